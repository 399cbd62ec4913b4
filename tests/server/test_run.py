"""``bind``, ``serve``, the command, and other kinds of loops."""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from c10kws_tornado import Limits, Server, bind, serve
from tests.support.peers import Client, connect
from tests.support.servers import LiveServer, port_of, read_line
from tests.support.shell import run_program
from tests.support.upgrades import REQUEST, application_of_the_page
from tests.support.waiting import WAIT, eventually

PROGRAM = """
import sys

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/hang":
        print("hanging", flush=True)
        sys.stdin.readline()
    return [b"page"]

not_callable = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "broken.py").write_text("import a_module_that_is_missing")
    return tmp_path


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(folder: Path, popen: Start) -> Start:
    """Start ``python -m c10kws_tornado`` in a folder with ``program.py``."""
    command = (sys.executable, "-m", "c10kws_tornado")
    return lambda *arguments: popen(*command, *arguments, cwd=folder, stdin=subprocess.PIPE)


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_the_command_serves_until_a_signal(start: Start, port: int, number: signal.Signals) -> None:
    process = start("program:application", "--port", str(port), "--threads", "2")
    assert port_of(process) == port
    with connect(port) as client:
        assert client.get().body == b"page"
        process.send_signal(number)
        assert client.read_to_end() == b""
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert '127.0.0.1 "GET / HTTP/1.1" 200 4 ' in errors


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_a_second_signal_ends_the_draining(start: Start, port: int) -> None:
    process = start("program", "--port", str(port), "--drain-timeout", "3600")
    port_of(process)
    with connect(port) as client:
        client.send("GET /hang HTTP/1.1\nHost: a\n\n")
        assert process.stdout is not None
        assert read_line(process.stdout) == "hanging\n"
        process.send_signal(signal.SIGTERM)
        wait_until_refused(port)
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT) == 0


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_a_second_term_ends_no_draining(start: Start, port: int) -> None:
    process = start("program", "--port", str(port), "--drain-timeout", "3600")
    port_of(process)
    with connect(port) as client:
        client.send("GET /hang HTTP/1.1\nHost: a\n\n")
        assert process.stdout is not None and process.stdin is not None
        assert read_line(process.stdout) == "hanging\n"
        process.send_signal(signal.SIGTERM)
        wait_until_refused(port)
        process.send_signal(signal.SIGTERM)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert client.read_response().body == b"page"
    assert process.wait(WAIT) == 0


def wait_until_refused(port: int) -> None:
    while True:
        try:
            connect(port).close()
        except ConnectionError:
            return


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["program:nothing"], "program has no attribute 'nothing'."),
        (["missing_module:application"], "pass package.module:application."),
        (["broken:application"], "No module named 'a_module_that_is_missing'"),
        (["program:not_callable"], "program:not_callable is not a WSGI application"),
        (["program", "--threads", "0"], "--threads: must be a whole number above 0, not '0'"),
        (["program", "--queue-size", "-1"], "must be a whole number above 0, not '-1'"),
        (["program", "--port", "x"], "--port: must be from 0 to 65535, not 'x'"),
        (["program", "--port", "70000"], "--port: must be from 0 to 65535, not '70000'"),
        (["program", "--port", "-1"], "--port: must be from 0 to 65535, not '-1'"),
        (["program", "--idle-timeout", "0"], "must be a number above 0, not '0'"),
        (["program", "--send-timeout", "inf"], "must be a number above 0, not 'inf'"),
        (["program", "--drain-timeout", "nan"], "must be a number above 0, not 'nan'"),
        (["program", "--max-body-size", "-5"], "must be a whole number above 0, not '-5'"),
        (["program", "--chunk-size", "1.5"], "must be a whole number above 0, not '1.5'"),
        (["program", "--reserved-descriptors", "-1"], "reserved_descriptors must be"),
        (["program:application", "--address", "203.0.113.1"], "203.0.113.1:8000"),
        (["program:application", "--certfile", "nowhere.pem"], "nowhere.pem"),
        (
            ["program:application", "--upload-dir", "/no/folder"],
            "is not a writable folder",
        ),
        ([], "required: application"),
    ],
)
def test_bad_arguments(start: Start, arguments: list[str], message: str) -> None:
    process = start(*arguments)
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode != 0
    assert message in errors
    assert "Traceback" not in errors


def test_port_0_prints_the_port_that_was_chosen(start: Start) -> None:
    port = port_of(start("program:application", "--port", "0"))
    assert port > 0
    with connect(port) as client:
        assert client.get().body == b"page"


def test_a_port_in_use_is_named(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        taken = sock.getsockname()[1]
        process = start("program:application", "--port", str(taken))
        _, errors = process.communicate(timeout=WAIT)
    assert process.returncode != 0
    assert f"127.0.0.1:{taken}" in errors
    assert "Traceback" not in errors


def test_every_limit_is_a_flag(start: Start) -> None:
    output, _ = start("--help").communicate(timeout=WAIT)
    for flag in (
        "--max-body-size",
        "--send-timeout",
        "--idle-timeout",
        "--threads",
        "--queue-size",
        "--trusted-proxies",
        "--url-scheme",
        "--drain-timeout",
        "--certfile",
        "--keyfile",
    ):
        assert flag in output


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="for Linux")
def test_stalled_uploads_give_their_memory_back(start: Start, port: int) -> None:
    limits = ["--read-timeout", "0.5", "--linger-timeout", "0.1"]
    process = start("program:application", "--port", str(port), *limits)
    assert port_of(process) == port
    resident = Path(f"/proc/{process.pid}/statm")

    def memory() -> int:
        return int(resident.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    with ExitStack() as stack:
        clients = [stack.enter_context(connect(port)) for _ in range(60)]
        before = memory()
        for client in clients:
            client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 2000000\n\n")
            client.send(bytes(900_000))
        assert {client.read_response().status for client in clients} == {408}
        eventually(lambda: memory() < before + 16 * 1024 * 1024)


# serve()


def test_serve_in_a_thread() -> None:
    """Only the main thread handles signals; here another one must stop the loop."""
    (sock,) = bind("127.0.0.1", 0)
    ready = threading.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    def on_ready() -> None:
        loops.append(asyncio.get_running_loop())
        ready.set()

    def run() -> None:
        with suppress(RuntimeError):  # asyncio's word for a loop that was stopped
            serve(application_of_the_page(), sockets=[sock], on_ready=on_ready)

    port = sock.getsockname()[1]
    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(WAIT)
    with connect(port) as client:
        assert client.get().status == 400
    loops[0].call_soon_threadsafe(loops[0].stop)
    thread.join(WAIT)
    assert not thread.is_alive()
    sock.close()


def test_serve_puts_the_signal_handlers_back() -> None:
    def stop(*_: Any) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    serve(
        application_of_the_page(),
        port=0,
        on_ready=lambda: asyncio.get_running_loop().call_soon(stop),
    )
    assert [signal.getsignal(number) for number in numbers] == before


# bind()


def test_bind_takes_any_free_port() -> None:
    sockets = bind("localhost", 0)
    assert sockets[0].getsockname()[1] > 0
    for sock in sockets:
        sock.close()


def test_bind_names_the_address() -> None:
    (sock,) = bind("127.0.0.1", 0)
    port = sock.getsockname()[1]
    with pytest.raises(OSError, match=f"127.0.0.1:{port}"):
        bind("127.0.0.1", port)
    with pytest.raises(OSError, match=r"203\.0\.113\.1"):
        bind("203.0.113.1", 0)
    sock.close()


@pytest.mark.parametrize("port", [-1, 65536, 70000])
def test_bind_refuses_a_port_that_does_not_exist(port: int) -> None:
    with pytest.raises(ValueError, match=f"The port must be from 0 to 65535, not {port}"):
        bind("127.0.0.1", port)


# Arguments


@pytest.mark.parametrize(
    "options",
    [
        {"max_head_size": 0},
        {"chunk_size": 1.5},
        {"high_water": True},
        {"idle_timeout": 0.0},
        {"send_timeout": float("nan")},
        {"body_timeout": "60"},
        {"reserved_descriptors": -1},
    ],
)
def test_limits_are_numbers_above_0(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be a .*number above 0, not"):
        Limits(**options)


def test_no_descriptor_need_be_kept() -> None:
    assert Limits(reserved_descriptors=0, min_send_rate=0).reserved_descriptors == 0


@pytest.mark.parametrize(
    "options", [{"threads": 0}, {"threads": 2.5}, {"queue_size": 0}, {"drain_timeout": -1}]
)
def test_arguments_of_the_server_are_numbers_above_0(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(ValueError, match=f"{name} must be a .*number above 0, not"):
        Server(application_of_the_page(), **options)


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this system has no IPv6")
def test_ipv6() -> None:
    (sock,) = bind("::1", 0, ipv6=True)
    live = LiveServer(application_of_the_page(), listen=sock)
    live.start()
    with Client(socket.create_connection(sock.getsockname()[:2])) as client:
        assert client.get().status == 400
    live.stop()


# Loops


def make_select_loop() -> asyncio.AbstractEventLoop:
    """A loop with select(), as on Windows and old systems."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def test_select_is_enough() -> None:
    live = LiveServer(application_of_the_page(), loop_factory=make_select_loop)
    live.start()
    with live.client() as page, live.client() as stream:
        assert page.get().status == 400
        stream.send(REQUEST + "early")
        assert stream.read_response().status == 101
        assert stream.read_exactly(5) == b"early"
        stream.send(b"a")
        assert stream.read_exactly(1) == b"a"
    live.stop()


def test_loaded_objects_are_excluded_from_garbage_collection() -> None:
    program = (
        "import gc; from c10kws_tornado.run import freeze_loaded_objects\n"
        "before = len(gc.get_objects())\n"
        "freeze_loaded_objects()\n"
        "print(before, gc.get_freeze_count(), len(gc.get_objects()))"
    )
    before, frozen, left = map(int, run_program(program).split())
    assert frozen > before / 2 > left
