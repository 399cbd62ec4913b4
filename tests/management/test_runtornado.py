"""``manage.py runtornado`` with several ports, each a process, and with the reloader."""

from __future__ import annotations

import os
import re
import signal
import socket
import time
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_process_each_and_one_signal_stops_all(
    start: Start,
    ports: list[int],
    number: signal.Signals,
) -> None:
    command = start_all(start, ports)
    assert len({process_of(each) for each in ports} | {command.process.pid}) == 4
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(each)) for each in ports]
        command.process.send_signal(number)
        assert [closed_next(ws)[0] for ws in sockets] == [1012] * 3
    assert command.wait() == 0  # which waits for all that hold the output
    assert "Traceback" not in command.output


def test_one_that_dies_is_started_again(start: Start, ports: list[int]) -> None:
    command = start_all(start, ports)
    first, *others = [process_of(each) for each in ports]
    os.kill(first, signal.SIGKILL)
    command.wait_for(rf"The worker for {ports[0]} ended with status -9")
    command.wait_for(f"ws://127.0.0.1:{ports[0]}/", 2)
    assert process_of(ports[0]) not in (first, *others)
    assert [process_of(each) for each in ports[1:]] == others


def test_hup_restarts_the_workers_and_refuses_no_connection(
    start: Start,
    ports: list[int],
) -> None:
    command = start_all(start, ports[:2])
    before = [process_of(each) for each in ports[:2]]
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(each)) for each in ports[:2]]
        command.process.send_signal(signal.SIGHUP)
        assert [closed_next(ws)[0] for ws in sockets] == [1012] * 2
    assert [process_of(each) for each in ports[:2]] == before
    for each in ports[:2]:
        command.wait_for(f"ws://127.0.0.1:{each}/", 2)
    command.process.send_signal(signal.SIGTERM)
    assert command.wait() == 0
    assert "Traceback" not in command.output


def test_none_outlives_a_killed_parent(start: Start, ports: list[int]) -> None:
    command = start_all(start, ports)
    command.process.kill()
    command.wait()
    for each in ports:
        with pytest.raises(ConnectionRefusedError):
            get(each, "/process/")


def test_every_process_reloads(
    start: Start,
    ports: list[int],
    project: Path,
) -> None:
    command = start("runtornado", "--reload", *map(str, ports))
    command.wait_for("Quit the server", 3)
    with ExitStack() as stack:
        sockets = [stack.enter_context(open_socket(each)) for each in ports]
        time.sleep(1.1)  # the reloader compares modification times
        (project / "mysite" / "views.py").write_text(VIEWS + PROCESS)
        assert [closed_next(ws)[0] for ws in sockets] == [1012] * 3
    command.wait_for("Quit the server", 6)
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
    assert re.search(rf"CommandError: Cannot listen on {ports[1]}: .*in use", command.output)
    assert "ws://" not in command.output


def test_an_address_given_twice_is_refused(start: Start) -> None:
    command = start("runtornado", "8000", "127.0.0.1:8000")
    assert command.wait() == 1
    assert "An address is given twice: 8000 127.0.0.1:8000." in command.output
