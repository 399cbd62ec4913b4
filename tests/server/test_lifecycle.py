"""A process ends in bounded time after a signal, even if its tasks and threads do not."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from c10kws_tornado import Server, bind
from c10kws_tornado.process.lifecycle import SERVICE_RESTART, Lifecycle
from c10kws_tornado.process.listening import port_of as port_of_sockets
from tests.support.peers import Client, connect
from tests.support.servers import port_of
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")

#: The path selects what runs in a task, on the loop or in a thread.
PROGRAM = """
import asyncio, os, threading, time, warnings

def say(text):
    print(text, flush=True)

async def swallow():
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

async def well_behaved():
    try:
        await asyncio.sleep(3600)
    finally:
        await asyncio.sleep(0)
        say("cleaned up")

async def spin():
    say("spinning")
    while True:
        try:
            time.sleep(0.001)
        except Exception:
            pass

async def generate():
    try:
        yield b"first"
        await asyncio.sleep(3600)
    finally:
        while True:
            try:
                await asyncio.sleep(3600)
            except BaseException:
                pass

async def default_executor():
    await asyncio.to_thread(time.sleep, 3600)

def thread():
    threading.Thread(target=time.sleep, args=(3600,), name="forgotten", daemon=False).start()

def fork():
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Python 3.12: there are threads
        child = os.fork()
    if not child:
        os.closerange(1, 3)  # the test reads them to their end
        os.write(writer, b"x")
        time.sleep(60)
        os._exit(1)
    os.read(reader, 1)  # the child's own code runs
    os.close(reader)
    os.close(writer)
    return child

def application(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    start_response("200 OK", [("Content-Type", "text/plain")])
    if name == "generate":
        return generate()
    if name == "nap":
        say("napping")
        time.sleep(0.5)
    elif name == "hang":
        say("hanging")
        time.sleep(3600)
    elif name == "thread":
        thread()
    elif name == "fork":
        return [str(fork()).encode()]
    elif name.isdigit():
        return [str(os.WTERMSIG(os.waitpid(int(name), 0)[1])).encode()]
    elif name == "pid":
        return [str(os.getpid()).encode()]
    elif name in globals():
        asyncio.run_coroutine_threadsafe(globals()[name](), environ["c10kws.loop"])
    return [b"page"]
"""


#: Runs the command with short waits, and with two more flags.
COMMAND = """
import logging, sys
from c10kws_tornado import __main__, shutdown
from c10kws_tornado.process import exitdeadline, lifecycle, runner
# The same waits, but shorter.
runner.CANCEL_TIMEOUT = shutdown.SETTLE_TIMEOUT = 0.1
lifecycle.GRACE = 1.0
__main__.EXIT_TIMEOUT = 0.3
if "--log-file" in sys.argv:
    i = sys.argv.index("--log-file")
    logging.basicConfig(level=logging.INFO, handlers=[logging.FileHandler(sys.argv[i + 1])])
    del sys.argv[i : i + 2]
if "--nohup" in sys.argv:
    sys.argv.remove("--nohup")
    import signal
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
flags = ["program", "--port", "0", "--drain-timeout", "0.2", "--threads", "4"]
sys.argv[1:] = [*flags, *sys.argv[1:]]
__main__.main()
"""
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path, popen: Start) -> Start:
    (tmp_path / "program.py").write_text(PROGRAM)
    return lambda *arguments: popen(sys.executable, "-c", COMMAND, *arguments, cwd=tmp_path)


def ask(client: Client, path: str) -> None:
    client.send(f"GET /{path} HTTP/1.1\nHost: a\n\n")


def end_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Send TERM and return the output and the log of the process."""
    process.send_signal(signal.SIGTERM)
    output = process.communicate(timeout=WAIT)
    assert process.returncode == 0, output
    assert "Traceback" not in output[1]
    return output


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_finally_blocks_of_tasks_run(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        client.get("/well_behaved")
        output, log = end_of(process)
    assert output == "cleaned up\n"
    assert "did not end" not in log


def test_a_task_that_ignores_its_cancellation(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        client.get("/swallow")
        client.get("/well_behaved")
        output, log = end_of(process)
    assert output == "cleaned up\n"
    assert re.search(
        r"The process did not end in time; .* Still running: task \S+ \(swallow\)\n", log
    )


def test_a_task_that_blocks_the_loop(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        ask(client, "spin")
        assert line_of(process) == "spinning"
        _, log = end_of(process)
    assert re.search(r"did not end in time; .*task \S+ \(spin\)", log)


def test_a_second_interrupt_ends_a_blocked_loop(start: Start) -> None:
    process = start("--drain-timeout", "3600")
    with connect(port_of(process)) as client:
        ask(client, "spin")
        assert line_of(process) == "spinning"
        while process.poll() is None:  # two that come at the same time are one
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
    assert process.returncode == 0


def test_a_generator_that_does_not_end(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        ask(client, "generate")
        client.read_head()
        assert client.read_chunk() == b"first"
        _, log = end_of(process)
    assert "Still running: task" in log


def test_a_view_that_hangs(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        ask(client, "hang")
        assert line_of(process) == "hanging"
        end_of(process)


def test_the_default_executor_does_not_hold_the_exit(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        client.get("/default_executor")
        end_of(process)


def test_a_thread_of_the_application_does_not_hold_the_exit(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        client.get("/thread")
        _, log = end_of(process)
    assert "Still running: threads forgotten" in log


# HUP, USR1, USR2


def pid_of(client: Client) -> int:
    return int(client.get("/pid").body)


def test_hup_replaces_the_worker_and_refuses_no_connection(start: Start) -> None:
    process = start("--workers", "1", "--drain-timeout", "60")
    port = port_of(process)
    with connect(port) as idle, connect(port) as busy:
        old = pid_of(idle)
        busy.send("GET /nap HTTP/1.1\nHost: a\n\n")
        assert line_of(process) == "napping"
        process.send_signal(signal.SIGHUP)
        assert busy.read_response().body == b"page"
        assert idle.read_to_end() == b""
        with connect(port) as later:
            new = pid_of(later)
        assert busy.read_to_end() == b""
    assert len({old, new, process.pid}) == 3
    end_of(process)


def test_workers_of_a_parent_without_standard_input_serve(popen: Start, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, "-c", COMMAND, "--workers", "1"]
    process = popen("/bin/sh", "-c", 'exec "$@" <&-', "sh", *command, cwd=tmp_path)
    with connect(port_of(process)) as client:
        assert pid_of(client) != process.pid
    end_of(process)


def test_hup_while_the_loop_is_blocked(start: Start) -> None:
    process = start("--workers", "1")
    port = port_of(process)
    with connect(port) as client:
        old = pid_of(client)
        ask(client, "spin")
        assert line_of(process) == "spinning"
        process.send_signal(signal.SIGHUP)
        with connect(port) as other:
            assert pid_of(other) not in (old, process.pid)
    end_of(process)


def test_a_term_during_a_restart_stops(start: Start) -> None:
    process = start("--workers", "1", "--drain-timeout", "60")
    port = port_of(process)
    with connect(port) as client:
        client.send("GET /nap HTTP/1.1\nHost: a\n\n")
        assert line_of(process) == "napping"
        process.send_signal(signal.SIGHUP)
        time.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        assert client.read_response().body == b"page"
        output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 0
    assert output == ""


def test_hup_stops_a_process_without_a_parent(start: Start) -> None:
    process = start()
    with connect(port_of(process)) as client:
        pid_of(client)
        process.send_signal(signal.SIGHUP)
        assert client.read_to_end() == b""
    process.communicate(timeout=WAIT)
    assert process.returncode == 0


def test_usr1_reopens_log_files(start: Start, tmp_path: Path) -> None:
    log, moved = tmp_path / "log", tmp_path / "log.1"
    process = start("--log-file", str(log))
    with connect(port_of(process)) as client:
        client.get("/before")
        eventually(lambda: "/before" in log.read_text())
        log.rename(moved)
        process.send_signal(signal.SIGUSR1)
        process.send_signal(signal.SIGUSR2)  # ignored
        eventually(lambda: client.get("/after").status == 200 and log.exists())
        eventually(lambda: "/after" in log.read_text())
        assert "/before" in moved.read_text()
        end_of(process)


def test_nohup_stays_ignored(start: Start) -> None:
    process = start("--nohup")
    with connect(port_of(process)) as client:
        before = pid_of(client)
        process.send_signal(signal.SIGHUP)
        assert pid_of(client) == before
        end_of(process)


TERMINAL = """
import fcntl, os, sys, termios
from c10kws_tornado.__main__ import main
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
sys.argv[1:] = ["program", "--port", "0"]
main()
"""


def test_a_closed_terminal_stops(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    terminal, inner = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL], cwd=tmp_path, stdin=inner, stdout=inner, stderr=inner
    ) as process:
        os.close(inner)
        output = b""
        while b"CONTROL-C.\r\n" not in output:
            output += os.read(terminal, 1000)
        os.close(terminal)  # the kernel sends HUP
        assert process.wait(WAIT) == 0


def test_a_forked_child_has_neither_the_handlers_nor_the_port_of_the_server(start: Start) -> None:
    process = start()
    port = port_of(process)
    with connect(port) as client:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
            child = int(client.get("/fork").body)
            os.kill(child, number)
            assert int(client.get(f"/{child}").body) == number
        child = int(client.get("/fork").body)
    try:
        end_of(process)
        os.kill(child, 0)  # it is still there
        with pytest.raises(ConnectionRefusedError):
            connect(port)
    finally:
        os.kill(child, signal.SIGKILL)


def hang(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    hanging.set()
    released.wait(WAIT)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"too late"]


hanging, released = threading.Event(), threading.Event()


@pytest.mark.parametrize("hurry", [False, True])
def test_a_lifecycle_is_stopped_by_its_owner(hurry: bool) -> None:
    """As a worker of gunicorn does, whose signals are gunicorn's."""
    hanging.clear()
    released.clear()
    server, codes, ready = Server(hang), list[int](), threading.Event()
    server.on_stop(lambda stop: codes.append(stop.code))
    sockets = bind("127.0.0.1", 0)
    lifecycle = Lifecycle(server, sockets, own_signals=False, grace=WAIT)
    thread = threading.Thread(target=lifecycle.run, args=(ready.set, None))
    thread.start()
    assert ready.wait(WAIT)
    with connect(port_of_sockets(sockets)) as client:
        ask(client, "hang")
        assert hanging.wait(WAIT)
        lifecycle.stop(SERVICE_RESTART, WAIT if hurry else 0.05)
        eventually(lambda: codes)
        if hurry:
            lifecycle.hurry()
        thread.join(WAIT)
        assert not thread.is_alive()
        assert codes == [SERVICE_RESTART]
        released.set()
