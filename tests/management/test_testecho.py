"""``manage.py testecho`` against the test page: its summary, its limits and its end."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from c10kws.management.testecho import memory
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.shell import SOURCES
from tests.support.testecho import page, reasons, testecho
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.programs

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what it needs is Linux'")
POSIX = pytest.mark.skipif(os.name != "posix", reason="what it needs is POSIX'")


# A server that is right


def test_the_summary_of_two_hundred_clients_in_two_processes(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    output, shown, error = testecho(page(live), clients=200, processes=2, rounds=2)
    assert error == ""
    assert re.search(r"^connected +200 of 200 in [0-9.]+ s, [0-9,]+ a second$", output, re.M)
    assert re.search(r"^finished +200, in 2 rounds$", output, re.M)
    assert re.search(r"^failed +0$", output, re.M)
    assert re.search(r"^handshake +p50 .* max [0-9.,]+ ms, of 200$", output, re.M)
    assert re.search(r"^echo +p50 .* max [0-9.,]+ ms, of 1,200$", output, re.M)
    assert reasons(output) == {}
    assert shown.splitlines() == [
        "connecting: 200 of 200",
        "echoing: 400 of 400",
    ]
    # What the server has seen: the greeting, six echoes and the goodbye of each.
    eventually(lambda: caplog.text.count("1000 received 6 sent 8") == 200)


@LINUX
def test_the_memory_of_a_server_here(live: LiveServer) -> None:
    output, _, _ = testecho(page(live), clients=20)
    assert re.search(
        rf"^server memory .* KiB a connection: .* \(PSS of {os.getpid()},", output, re.M
    )


def test_new_connections_a_second(live: LiveServer) -> None:
    output, _, error = testecho(page(live), clients=10, processes=2, ramp=200, rounds=1)
    assert error == ""
    assert re.search(r"^connected +10 of 10 in", output, re.M)


def test_the_page_refuses_rounds_that_are_none(live: LiveServer) -> None:
    for rounds in ("0", "1001", "-1", "x", "1" * 5000):
        with live.connect(f"/test/ws/?rounds={rounds}") as ws:
            assert closed_with(ws) == (4400, "rounds must be from 1 to 1000")


# A program in a shell


def start(*arguments: str, limit: str = "") -> subprocess.Popen[str]:
    """Start the command in a session of its own, below a limit as ``ulimit`` takes it."""
    command = shlex.join([sys.executable, "-m", "django", "testecho", *arguments])
    return subprocess.Popen(
        ["/bin/sh", "-c", f"{f'ulimit {limit};' if limit else ''} exec {command}"],
        env=os.environ
        | {
            "PYTHONPATH": SOURCES,
            "DJANGO_SETTINGS_MODULE": "tests.project.settings",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@POSIX
def test_too_few_descriptors_say_what_to_type() -> None:
    process = start(limit="-n 128")
    output, error = process.communicate(timeout=WAIT)
    assert process.returncode == 1 and output == ""
    assert "Each of 16 processes needs 689 file descriptors for 10000 clients" in error
    assert "128 are allowed" in error and "\n    ulimit -n 689\n" in error


@POSIX
def test_the_soft_limit_is_raised_unasked(live: LiveServer) -> None:
    process = start("--url", page(live), "--clients", "100", "--rounds", "1", limit="-Sn 100")
    output, error = process.communicate(timeout=WAIT)
    assert process.returncode == 0, error
    assert "100 of 100" in output and "echoing: 100 of 100" in error


@POSIX
def test_ctrl_c_leaves_a_summary_and_no_process(live: LiveServer) -> None:
    process = start("--url", page(live), "--clients=50", "--processes=2", "--rounds=1000")
    assert process.stderr is not None
    assert process.stderr.readline() == "connecting: 50 of 50\n"
    os.killpg(process.pid, signal.SIGINT)
    output, error = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert "50 of 50" in output and re.search(r"^failed +0$", output, re.M)
    assert error.endswith("CommandError: Interrupted.\n") and "Traceback" not in error
    eventually(lambda: not is_alive(process.pid))


def is_alive(group: int) -> bool:
    """Return whether a process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@LINUX
def test_a_client_process_that_dies_is_counted(live: LiveServer) -> None:
    process = start("--url", page(live), "--clients=50", "--processes=2", "--rounds=1000")
    assert process.stderr is not None
    assert process.stderr.readline() == "connecting: 50 of 50\n"
    victim, other = clients_of(process.pid)
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: not (memory.PROC / str(victim)).exists())
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 130
    assert reasons(output) == {"their client process ended with -9": 25}
    assert not (memory.PROC / str(other)).exists()


def clients_of(parent: int) -> list[int]:
    """Return the client processes of a command."""
    found = []
    for number in memory.processes():
        with suppress(OSError):
            words = (memory.PROC / str(number) / "cmdline").read_bytes()
            status = (memory.PROC / str(number) / "stat").read_text()
            if b"spawn_main" in words and int(status.rpartition(")")[2].split()[1]) == parent:
                found.append(number)
    return found
