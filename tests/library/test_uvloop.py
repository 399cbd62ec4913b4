"""``UVLOOP``: the project on uvloop's event loop, with uvloop's transports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.commands import Command, get, open_socket
from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame
from tests.support.peers import Peer, closed_next, closed_with, handshake
from tests.support.shell import ROOT, SOURCES
from tests.support.waiting import WAIT

pytestmark = pytest.mark.programs

pytest.importorskip("uvloop", reason="for uvloop: pip install c10kws[uvloop]")

MANAGE = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "uv_settings"
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """
import os
from tests.project.settings import *
ROOT_URLCONF = "uv_urls"
C10KWS = {
    "UVLOOP": os.environ.get("UVLOOP_OF_THE_TEST", "yes") == "yes",
    "PING_INTERVAL": None,
    "COMPRESSION": True,
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
"""
URLS = """
import asyncio
from django.http import HttpResponse
from django.urls import path
from c10kws import broadcast, websocket
from c10kws.connection.websocket import connection_of
from tests.project import views

everybody = set()

@websocket(keep_request=False)
async def which(ws):
    await ws.read_message()
    loop = asyncio.get_running_loop()
    transport = type(connection_of(ws).sender.cork.transport)
    await ws.write_message(f"{type(loop).__module__} {transport.__module__}.{transport.__name__}")

@websocket
async def cast(ws):
    everybody.add(ws)
    async for message in ws:
        broadcast(everybody, message)
    everybody.discard(ws)

@websocket
async def fragments(ws):
    async def parts():
        for number in range(3):
            yield f"{number} "
            await asyncio.sleep(0)
    async for message in ws:
        await ws.write_message(parts())

@websocket
async def flood(ws):
    for number in range(200):
        await ws.write_message(b"%08d" % number + b"x" * 100_000)

def page(request):
    return HttpResponse("page " * 100_000)

urlpatterns = [
    path("page/", page),
    path("which/", which),
    path("cast/", cast),
    path("fragments/", fragments),
    path("flood/", flood),
    path("echo/", views.echo),
    path("closing/<int:code>/", views.closing),
    path("failing/", views.failing),
    path("thread/", views.from_a_thread),
]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The test project with settings and URLs of its own."""
    folder = tmp_path_factory.mktemp("uvloop")
    (folder / "manage.py").write_text(MANAGE)
    (folder / "uv_settings.py").write_text(SETTINGS)
    (folder / "uv_urls.py").write_text(URLS)
    return folder


@pytest.fixture
def server(project: Path, port: int) -> Iterator[Command]:
    command = Command(project, "runtornado", str(port))
    command.wait_for(f"ws://127.0.0.1:{port}/")
    yield command
    command.kill()


@pytest.fixture
def peer(server: Command, port: int) -> Iterator[Peer]:
    """A raw connection to the echo."""
    with socket.create_connection(("127.0.0.1", port), WAIT) as connection:
        connection.sendall(handshake("/echo/") + frame(TEXT, b"early"))
        peer = Peer(connection)
        assert peer.read_head().startswith(b"HTTP/1.1 101 ")
        assert peer.read_frame() == (TEXT, b"early")
        yield peer


def test_the_loop_and_the_transports_are_uvloops(server: Command, port: int) -> None:
    with open_socket(port, "/which/") as ws:
        ws.send("ask")
        assert ws.recv(WAIT) == "uvloop uvloop.loop.TCPTransport"


def test_without_the_setting_they_are_not(
    project: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UVLOOP_OF_THE_TEST", "no")
    command = Command(project, "runtornado", str(port))
    try:
        command.wait_for(f"ws://127.0.0.1:{port}/")
        with open_socket(port, "/which/") as ws:
            ws.send("ask")
            assert "uvloop" not in ws.recv(WAIT)
    finally:
        command.kill()


@pytest.mark.parametrize("compression", [None, "deflate"])
def test_messages_go_there_and_back(server: Command, port: int, compression: str | None) -> None:
    with open_socket(port, "/echo/", compression=compression, max_size=None) as ws:
        for message in ("Hello!", "", b"", b"\x00\xff", "é" * 500_000, os.urandom(2**20)):
            ws.send(message)
            assert ws.recv(WAIT) == message
        for number in range(2000):
            ws.send(str(number))
        assert [ws.recv(WAIT) for _ in range(2000)] == [str(number) for number in range(2000)]
        ws.send(b"x" * (2**20 + 1))
        assert closed_with(ws)[0] == 1009


def test_frames_of_all_kinds(peer: Peer) -> None:
    peer.socket.sendall(
        frame(BINARY, b"one ", fin=False) + frame(PING, b"?") + frame(CONTINUATION, b"two")
    )
    assert peer.read_frame() == (PONG, b"?")
    assert peer.read_frame() == (BINARY, b"one two")
    for byte in frame(TEXT, "né".encode()):
        peer.socket.sendall(bytes([byte]))
    assert peer.read_frame() == (TEXT, "né".encode())
    peer.socket.sendall(frame(TEXT, b"last") + close_frame(3000, "bye") + frame(TEXT, b"late"))
    assert peer.read_frame() == (TEXT, b"last")
    assert peer.read_frame() == (CLOSE, b"\x0b\xb8bye")
    assert peer.read_to_end() == b""


def test_a_broken_frame_is_answered_and_read_by_the_peer(peer: Peer) -> None:
    peer.socket.sendall(frame(TEXT, b"before") + frame(3) + frame(TEXT, b"x") * 10_000)
    assert peer.read_frame() == (TEXT, b"before")
    assert peer.read_frame() == (CLOSE, b"\x03\xeaprotocol error")
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.read_to_end() == b""


def test_a_half_closed_connection_ends(server: Command, peer: Peer) -> None:
    peer.socket.shutdown(socket.SHUT_WR)
    assert peer.read_to_end() == b""
    server.wait_for('"WebSocket /echo/" 1006 received 1 sent 1')


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_close_codes_of_the_handler(server: Command, port: int, code: int) -> None:
    with open_socket(port, f"/closing/{code}/") as ws:
        assert closed_with(ws) == (code, "as asked")


def test_a_failing_handler_closes_with_1011(server: Command, port: int) -> None:
    with open_socket(port, "/failing/") as ws:
        ws.send("now")
        assert closed_with(ws) == (1011, "internal error")
    server.wait_for("views.Failure: as told")


def test_a_thread_writes_in_order_and_closes(server: Command, port: int) -> None:
    with open_socket(port, "/thread/") as ws:
        ws.send("5000")
        assert [ws.recv(WAIT) for _ in range(5000)] == [str(number) for number in range(5000)]
        assert closed_with(ws) == (4000, "done")


def test_broadcasts_and_fragments(server: Command, port: int) -> None:
    with open_socket(port, "/cast/") as one, open_socket(port, "/cast/") as other:
        one.send("from one")
        assert one.recv(WAIT) == "from one"
        other.send("from the other")
        assert one.recv(WAIT) == "from the other"
    with open_socket(port, "/fragments/") as ws:
        ws.send("go")
        assert ws.recv(WAIT) == "0 1 2 "


def test_awaited_writes_wait_for_the_client(server: Command, port: int) -> None:
    with open_socket(port, "/flood/", compression=None, max_queue=1) as ws:
        for number in range(200):
            assert ws.recv(WAIT)[:8] == b"%08d" % number
        assert closed_with(ws) == (1000, "")


def test_a_page_comes_whole(server: Command, port: int) -> None:
    assert get(port, "/page/") == (200, b"page " * 100_000)
    assert get(port, "/which/")[0] == 426


def test_a_signal_ends_sockets_and_process(server: Command, port: int) -> None:
    with open_socket(port, "/echo/") as ws:
        ws.send("x")
        assert ws.recv(WAIT) == "x"
        server.process.send_signal(signal.SIGTERM)
        assert closed_next(ws)[0] == 1012
    assert server.wait() == 0
    assert "Traceback" not in server.output


def test_the_server_alone_takes_it_too(project: Path, port: int) -> None:
    """``python -m c10kws_tornado --uvloop``, without Django."""
    (project / "alone.py").write_text(
        "import asyncio\n"
        "def application(environ, start_response):\n"
        "    start_response('200 OK', [('Content-Type', 'text/plain')])\n"
        "    return [type(environ['c10kws.loop']).__module__.encode()]\n"
    )
    command = [sys.executable, "-m", "c10kws_tornado", "alone", f"--port={port}", "--uvloop"]
    with subprocess.Popen(
        command,
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(ROOT / "servers"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert "Serving http" in process.stdout.readline()
            assert get(port, "/") == (200, b"uvloop")
        finally:
            process.terminate()
        process.stdout.read()
        assert process.wait(WAIT) == 0


def test_a_machine_without_uvloop_is_told_what_to_install(project: Path, port: int) -> None:
    hidden = project / "hidden"
    hidden.mkdir()
    (hidden / "uvloop.py").write_text("raise ImportError('no uvloop here')\n")
    (project / "without.py").write_text(
        f"import sys\nsys.path.insert(0, {str(hidden)!r})\n{MANAGE}"
    )
    result = subprocess.run(
        [sys.executable, "without.py", "runtornado", str(port)],
        cwd=project,
        env=os.environ | {"PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert result.returncode == 1
    assert "C10KWS['UVLOOP'] is True" in result.stderr
    assert "pip install c10kws[uvloop]" in result.stderr
    assert "Traceback" not in result.stderr
