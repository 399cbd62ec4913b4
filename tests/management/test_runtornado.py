"""``manage.py runtornado``: its workers, its addresses, and the reloader."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from collections import Counter
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from c10kws.management import server_flags
from c10kws.management.commands.runtornado import Command as Runtornado
from c10kws_tornado.process.cores import count_cores
from tests.support.commands import VIEWS, Command, Start, get, open_socket
from tests.support.peers import closed_next
from tests.support.waiting import WAIT
from tools.processes import free_port

PROCESS = """
import os
from django.http import HttpResponse

def process(request):
    return HttpResponse(f"{os.getpid()} {request.META['wsgi.multiprocess']}")
"""

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")


def add_view(project: Path, code: str, route: str, name: str) -> None:
    with (project / "mysite" / "views.py").open("a") as views:
        views.write(code)
    with (project / "mysite" / "urls.py").open("a") as urls:
        urls.write(f'urlpatterns.append(path("{route}", views.{name}))\n')


@pytest.fixture(autouse=True)
def process_view(project: Path) -> None:
    """Add a page ``/process/`` with the number of the process."""
    add_view(project, PROCESS, "process/", "process")


@pytest.fixture
def ports() -> list[int]:
    return [free_port() for _ in range(3)]


def start_all(start: Start, ports: list[int], *options: str) -> Command:
    command = start("runtornado", *options, *map(str, ports))
    for number in ports:
        command.wait_for(f"ws://127.0.0.1:{number}/")
    return command


RAISING = """
import asyncio
from asgiref.sync import sync_to_async
from c10kws import websocket

def interrupt():
    raise KeyboardInterrupt

async def leave():
    raise SystemExit

@websocket
async def raising(ws):
    how = await ws.read_message()
    if how == "thread":
        await sync_to_async(interrupt)()
    elif how == "task":
        async with asyncio.TaskGroup() as group:
            group.create_task(leave())
    else:
        interrupt()
"""


@pytest.mark.parametrize("uvloop", [False, True])
def test_only_a_signal_ends_the_server(
    start: Start,
    port: int,
    project: Path,
    uvloop: bool,
) -> None:
    """The loop is that of the main thread, where Ctrl-C would be a KeyboardInterrupt."""
    if uvloop:
        pytest.importorskip("uvloop")
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(f'\nC10KWS = {{"UVLOOP": {uvloop}}}\n')
    add_view(project, RAISING, "ws/raising/", "raising")
    command = start("runtornado", str(port))
    command.wait_for(f"ws://127.0.0.1:{port}/")
    for how in ("thread", "task", "loop"):
        with open_socket(port, "/ws/raising/") as ws:
            ws.send(how)
            assert closed_next(ws)[0] == 1011
    command.wait_for("WebSocket handler failed", 3)
    with open_socket(port) as ws:
        ws.send("still there")
        assert ws.recv(WAIT) == "still there"
    command.process.send_signal(signal.SIGINT)
    assert command.wait() == 0


TRACKED = """
import gc
from django.http import HttpResponse

class Marker:
    pass

marker = Marker()

def tracked(request):
    return HttpResponse(str(any(each is marker for each in gc.get_objects())))

def renew(request):
    global marker
    marker = Marker()
    return HttpResponse("new")
"""


@pytest.mark.parametrize("step", [2, None])
def test_two_connections_freeze_what_exists(
    start: Start, port: int, project: Path, step: int | None
) -> None:
    with (project / "mysite" / "settings.py").open("a") as settings:
        settings.write(f'\nC10KWS = {{"FREEZE_CONNECTIONS": {step}}}\n')
    add_view(project, TRACKED, "tracked/", "tracked")
    add_view(project, "", "renew/", "renew")
    start("runtornado", str(port)).wait_for(f"ws://127.0.0.1:{port}/")
    get(port, "/renew/")
    assert get(port, "/tracked/") == (200, b"True")
    with open_socket(port) as first, open_socket(port) as second:
        for ws in (first, second):
            ws.send("hello")
            ws.recv(WAIT)
        assert get(port, "/tracked/") == (200, str(step is None).encode())


def process_of(number: int) -> int:
    status, text = get(number, "/process/")
    assert status == 200
    pid, multiprocess = text.decode().split()
    assert multiprocess == "True"
    return int(pid)


def processes_of(ports: list[int], count: int) -> set[int]:
    """Return the processes that accept on each of the ports, which are ``count``."""
    found: dict[int, set[int]] = {number: set() for number in ports}
    deadline = time.monotonic() + WAIT
    while any(len(pids) < count for pids in found.values()):
        assert time.monotonic() < deadline, found
        with ExitStack() as stack:  # open connections, so that each process gets some
            for number in ports:
                for _ in range(3 * count):
                    page = HTTPConnection("127.0.0.1", number, timeout=WAIT)
                    stack.callback(page.close)
                    page.request("GET", "/process/")
                    found[number].add(int(page.getresponse().read().split()[0]))
    (pids,) = {frozenset(pids) for pids in found.values()}
    return set(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_several_ports_are_served_by_as_many_processes_and_one_signal_stops_all(
    start: Start,
    ports: list[int],
    number: signal.Signals,
) -> None:
    command = start_all(start, ports[:2])
    assert len(processes_of(ports[:2], 2) | {command.process.pid}) == 3
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(each)) for each in ports[:2]]
        command.process.send_signal(number)
        code = 1001 if number == signal.SIGINT else 1012
        assert [closed_next(ws)[0] for ws in sockets] == [code] * 2
    assert command.wait() == 0  # which waits for all that hold the output
    assert "Traceback" not in command.output


def test_deaths_restarts_and_the_end_of_a_parent(start: Start, port: int) -> None:
    command = start_all(start, [port], "--workers", "2", "--graceful-timeout", "60")
    first, second = processes_of([port], 2)
    # One that dies is replaced.
    os.kill(first, signal.SIGKILL)
    command.wait_for(rf"Worker {first} was killed by SIGKILL")
    (third,) = processes_of([port], 2) - {second}
    assert third != first
    # HUP replaces all, and refuses no connection.
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(port)) for _ in range(4)]
        command.process.send_signal(signal.SIGHUP)
        while "All workers were replaced" not in command.output:
            assert get(port, "/process/")[0] == 200
        assert [closed_next(ws)[0] for ws in sockets] == [1012] * 4
    assert not processes_of([port], 2) & {second, third}
    # None outlives the parent.
    assert "Traceback" not in command.output
    command.process.kill()
    command.wait()
    with pytest.raises(ConnectionRefusedError):
        get(port, "/process/")


def test_connections_spread_evenly(start: Start, port: int) -> None:
    start_all(start, [port], "--workers", "4")
    with ExitStack() as stack:
        pages = [HTTPConnection("127.0.0.1", port, timeout=WAIT) for _ in range(400)]
        for page in pages:
            stack.callback(page.close)
            page.request("GET", "/process/")
        counts = Counter(page.getresponse().read() for page in pages)
    assert len(counts) == 4
    assert max(counts.values()) <= 1.1 * min(counts.values()), counts


@pytest.mark.parametrize(
    ("variable", "flags", "expected"),
    [("3", [], 3), ("3", ["--workers", "1"], 1), ("", ["8000", "8001"], 2), ("auto", [], None)],
)
def test_the_number_of_workers(
    monkeypatch: pytest.MonkeyPatch, variable: str, flags: list[str], expected: int | None
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", variable)
    options = Runtornado().create_parser("manage.py", "runtornado").parse_args(flags)
    found = server_flags.choose_workers(options.workers, len(options.addrports))
    assert found == (count_cores() if expected is None else expected)


def test_a_number_of_workers_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "many")
    with pytest.raises(CommandError, match=r"WEB_CONCURRENCY must be a whole .* not 'many'\."):
        server_flags.choose_workers(None, 0)


# Addresses


def get_from(path: Path, page: str) -> int:
    """Request a page on a unix socket, and return its status."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(WAIT)
        sock.connect(str(path))
        sock.sendall(
            f"GET {page} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        response = HTTPResponse(sock)
        response.begin()
        return response.status


def test_all_kinds_of_addresses(start: Start, port: int, tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        fd = inherited.fileno()
        command = start(
            *("runtornado", "--bind", f"127.0.0.1:{port}", "--bind", f"unix:{path}"),
            *("--bind", f"fd://{fd}", "--access-logfile", str(tmp_path / "access.log")),
            pass_fds=[fd],
        )
        command.wait_for(f"serving unix:{path}. Quit with CONTROL-C")
        command.wait_for(f"serving fd://{fd}. Quit with CONTROL-C")
        assert get(port, "/process/")[0] == 200
        assert get(inherited.getsockname()[1], "/process/")[0] == 200
        assert get_from(path, "/process/") == 200
    again = start("runtornado", "--bind", f"unix:{path}")
    assert again.wait() == 1
    assert f"Cannot listen on unix:{path}: " in again.output
    assert "in use" in again.output
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert not path.exists()
    assert (tmp_path / "access.log").read_text().count('"GET /process/ HTTP/1.1" 200') == 3
    assert "GET /process/" not in command.output


SYSTEMD = """
import os, sys
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = "1"
del os.environ["PYTHONUNBUFFERED"]  # the output is a pipe, as under systemd
os.dup2(int(sys.argv[1]), 3)
os.execv(sys.executable, [sys.executable, "manage.py", "runtornado"])
"""


def test_sockets_of_systemd(start: Start, project: Path) -> None:
    (project / "systemd.py").write_text(SYSTEMD)
    with socket.create_server(("127.0.0.1", 0)) as inherited:
        fd = inherited.fileno()
        command = start(str(fd), program="systemd.py", pass_fds=[fd])
        command.wait_for("serving fd://3. Quit with CONTROL-C")
        assert get(inherited.getsockname()[1], "/process/")[0] == 200


def test_check_prints_the_addresses_and_serves_nothing(start: Start, port: int) -> None:
    command = start("runtornado", "--check", str(port), "--workers", "2")
    assert command.wait() == 0
    assert command.output == f"Ready to serve at 127.0.0.1:{port}.\n"


def test_check_does_not_start_the_reloader(start: Start, port: int) -> None:
    command = start("runtornado", "--check", "--reload", str(port))
    assert command.wait() == 0
    assert command.output == f"Ready to serve at 127.0.0.1:{port}.\n"


def test_an_access_log_that_cannot_be_written_is_named_once(start: Start, port: int) -> None:
    command = start("runtornado", str(port), "--access-logfile", "nowhere/access.log")
    assert command.wait() == 1
    assert command.output.count("CommandError: Cannot write to nowhere/access.log: No such") == 1
    assert "Traceback" not in command.output


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--workers", "0"], "--workers: must be a whole number above 0 or auto, not '0'"),
        (["--threads", "x"], "--threads: must be a whole number above 0, not 'x'"),
        (["--graceful-timeout", "inf"], "must be a number above 0, not 'inf'"),
        (["--bind", "unix:"], "Expected a port, address:port, unix:path or fd://number"),
        (["--bind", "127.0.0.1:99999"], "The port must be from 0 to 65535, not 99999."),
        (["--bind", "fd://77"], "CommandError: Cannot listen on fd://77: "),
        (["--bind", "unix:manage.py"], "Cannot listen on unix:manage.py: .*Another file has this"),
        (["--certfile", "nowhere.pem"], "CommandError: Cannot read nowhere.pem: No such file"),
        (["--keyfile", "nowhere.pem"], "CommandError: --keyfile needs --certfile."),
        (["--access-logfile", "none/x"], "Cannot write to .*none/x: No such file or directory."),
        (["--reload", "--workers", "2"], "auto-reloader does not support --workers. Omit"),
        (["--reload", "--bind", "unix:x"], "--reload listens on ports only, not on unix:x."),
    ],
)
def test_mistakes_are_named(start: Start, flags: list[str], message: str) -> None:
    command = start("runtornado", "--check", "--skip-checks", *flags)
    assert command.wait() != 0
    assert re.search(message, command.output), command.output
    assert "Traceback" not in command.output


def test_several_ports_are_reloaded(
    start: Start,
    ports: list[int],
    project: Path,
) -> None:
    command = start("runtornado", "--reload", *map(str, ports))
    command.wait_for("Quit the server")
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(each)) for each in ports]
        time.sleep(1.1)  # the reloader compares modification times
        (project / "mysite" / "views.py").write_text(VIEWS + PROCESS)
        assert [closed_next(ws)[0] for ws in sockets] == [1012] * 3
    command.wait_for("Quit the server", 2)
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert "Traceback" not in command.output


def test_term_ends_a_reloading_process_and_its_child(
    start: Start,
    port: int,
) -> None:
    command = start("runtornado", "--reload", str(port))
    command.wait_for("Quit the server")
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    with pytest.raises((ConnectionRefusedError, HTTPException)):
        get(port, "/process/")


def test_an_address_in_use_is_named_before_anything_starts(
    start: Start,
    ports: list[int],
) -> None:
    with socket.create_server(("127.0.0.1", ports[1])):
        command = start("runtornado", *map(str, ports))
        assert command.wait() == 1
    assert re.search(
        rf"CommandError: Cannot listen on 127.0.0.1:{ports[1]}: .*in use", command.output
    )
    assert "ws://" not in command.output


def test_an_address_given_twice_is_refused(start: Start) -> None:
    command = start("runtornado", "8000", "127.0.0.1:8000")
    assert command.wait() == 1
    assert "An address is given twice: 8000 127.0.0.1:8000." in command.output
