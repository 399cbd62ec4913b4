"""Pages, streams and WebSockets under gunicorn: one start for all tests."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.commands import get, open_socket
from tests.support.gunicorns import Gunicorn, add_views
from tests.support.peers import Client, closed_next, connect
from tests.support.waiting import WAIT, eventually

pytest.importorskip("fcntl", reason="gunicorn needs POSIX")

FLAGS = (
    *("--preload", "--threads", "3", "--timeout", "60"),
    *(
        "--access-logfile",
        "access.log",
        "--access-logformat",
        "%(h)s|%(r)s|%(s)s|%(b)s|%(f)s|%(a)s",
    ),
    *("--limit-request-fields", "50"),
)
SETTINGS = """
ALLOWED_HOSTS = ["*"]
C10KWS = {"TRUSTED_PROXIES": ["10.0.0.1"], "PING_INTERVEL": 5}
"""


class Gunicorns(Gunicorn):
    """Two workers, from the variable that platforms set."""

    variables: Mapping[str, str] = {"WEB_CONCURRENCY": "2", "FORWARDED_ALLOW_IPS": "*"}


@pytest.fixture(scope="module")
def statsd() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.settimeout(WAIT)
        yield sock


@pytest.fixture(scope="module")
def folder(stock_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gunicorn")
    shutil.copytree(stock_project, folder, dirs_exist_ok=True)
    add_views(folder)
    with (folder / "mysite" / "settings.py").open("a") as settings:
        settings.write(SETTINGS)
    return folder


@pytest.fixture(scope="module")
def gunicorn(folder: Path, statsd: socket.socket) -> Iterator[Gunicorn]:
    host, port = statsd.getsockname()
    binds = ("--bind", f"unix:{folder}/unix.sock", "--statsd-host", f"{host}:{port}")
    command = Gunicorns(folder, *FLAGS, *binds, "mysite.wsgi")
    try:
        command.wait_for_workers(2)
        yield command
        command.process.terminate()
        assert command.wait() == 0
        assert "Traceback" not in command.output
        assert command.output.count("hook worker_exit") == 2
    finally:
        command.kill()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/plain/", b"plain iterable"),
        ("/stream/", b"async iterable"),
        ("/deferred/", b"deferred"),
    ],
)
def test_a_page(gunicorn: Gunicorn, path: str, body: bytes) -> None:
    assert get(gunicorn.port, path) == (200, body)


def test_a_websocket(gunicorn: Gunicorn) -> None:
    with open_socket(gunicorn.port) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"


@pytest.mark.parametrize(("path", "code"), [("/forbidden/", 4403), ("/nowhere/", 4404)])
def test_a_refused_handshake_is_visible(gunicorn: Gunicorn, path: str, code: int) -> None:
    with open_socket(gunicorn.port, path) as ws:
        assert closed_next(ws)[0] == code


def test_the_server_uses_settings_of_gunicorn(gunicorn: Gunicorn) -> None:
    """Also the system checks of c10kws, and the hooks."""
    with connect(gunicorn.port) as client:
        info = json.loads(client.get("/info/", "X-Forwarded-For: 1.2.3.4").body)
    assert info["threads"] == 3
    assert info["wsgi.multiprocess"] is True
    assert info["wsgi.url_scheme"] == "http"
    assert info["HTTP_X_FORWARDED_FOR"] is None  # TRUSTED_PROXIES counts
    assert "forwarded_allow_ips has no effect" in gunicorn.output
    assert "limit_request_fields has no effect" in gunicorn.output
    assert "pre_request has no effect" in gunicorn.output
    assert "hook pre_request" not in gunicorn.output
    assert gunicorn.output.index("hook on_starting") < gunicorn.output.index("hook post_fork")
    gunicorn.wait_for("unknown key 'PING_INTERVEL'", 2)


def test_workers_share_a_state(gunicorn: Gunicorn) -> None:
    """So they accept connections evenly."""
    accepting = 2

    def slots() -> list[list[int]]:
        found: list[list[int]] = json.loads(get(gunicorn.port, "/info/")[1])["slots"]
        return found

    eventually(lambda: [slot[1:] for slot in slots()] == [[0, accepting]] * 2)
    assert len({pid for pid, *_ in slots()}) == 2


def test_a_unix_socket(gunicorn: Gunicorn, folder: Path) -> None:
    """Its peer is a trusted proxy."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(WAIT)
    sock.connect(str(folder / "unix.sock"))
    with Client(sock) as client:
        info = json.loads(client.get("/info/", "X-Forwarded-For: 1.2.3.4").body)
    assert info["HTTP_X_FORWARDED_FOR"] == "1.2.3.4"


def test_the_access_log_is_that_of_gunicorn(gunicorn: Gunicorn, folder: Path) -> None:
    with connect(gunicorn.port) as client:
        client.get("/plain/?a=b", "Referer: http://here/", 'User-Agent: a"b')
    with open_socket(gunicorn.port, "/ws/echo/?token=1", user_agent_header="client"):
        pass
    log = folder / "access.log"
    page = '127.0.0.1|GET /plain/?a=b HTTP/1.1|200|14|http://here/|a\\"b\n'
    eventually(lambda: page in log.read_text())
    eventually(lambda: "127.0.0.1|GET /ws/echo/ HTTP/1.1|101|0|-|client\n" in log.read_text())
    gunicorn.wait_for(r'\[INFO\] 127.0.0.1 "WebSocket /ws/echo/" 1000 received 0')


def test_statsd_counts_requests(gunicorn: Gunicorn, statsd: socket.socket) -> None:
    assert get(gunicorn.port, "/nowhere/")[0] == 404
    while b"gunicorn.request.status.404" not in statsd.recv(1024):
        pass
