"""The parent of workers: starts, replacements, and the end of all."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.waiting import WAIT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")

#: A worker reports its events. Files select what it does: one named "ill" lets it fail at its
#: start, "importing" delays its start before it watches its parent, "hanging" after that, "deaf"
#: lets it only close its sockets at a signal, and "silent" ends its heartbeats.
WORKER = """
import os, signal, sys, time
if os.path.exists("importing"):
    os.write(1, b"a worker starts\\n")
while os.path.exists("importing"):
    time.sleep(0.02)
from c10kws_tornado.process import inheritance
from c10kws_tornado.sharedstate import Activity

def say(text):  # in one write: the lines of several workers must not mix
    os.write(1, (text + "\\n").encode())

def handle(number, frame):
    if os.path.exists("deaf"):
        for sock in inherited.sockets:
            sock.close()
        say(f"deaf heard {number}")
    else:
        say(f"{os.getpid()} ends with {number}")
        os._exit(0)

for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
    signal.signal(number, handle)
signal.signal(signal.SIGUSR1, lambda *_: say(f"{os.getpid()} reopens"))
inherited = inheritance.inherit()
slot = inherited.slot
while os.path.exists("hanging"):
    time.sleep(0.02)
if os.path.exists("ill"):
    raise SystemExit(3)
slot.enter(Activity.ACCEPTING)
say(f"{os.getpid()} serves, for its children a worker: {inheritance.VARIABLE in os.environ}")
while True:  # signal.pause() misses a signal that comes just before it
    if not os.path.exists("silent"):
        slot.beat(0)
    time.sleep(0.02)
"""
PARENT = """
import json, logging, socket, sys
from c10kws_tornado.process import backoff
from c10kws_tornado.process.arbiter import Arbiter, NoWorkerStarts

backoff.STEADY = 3600.0  # on a busy machine a start takes longer than the default
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
options = json.loads(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as sock:
    command = [sys.executable, "worker.py"]
    print("port", sock.getsockname()[1], flush=True)
    arbiter = Arbiter(command, [sock], on_ready=lambda: print("ready", flush=True), **options)
    try:
        arbiter.run()
    except NoWorkerStarts as error:
        sys.exit(str(error))
print("all have ended", flush=True)
"""


class Parent:
    """A process with workers, and the output of all."""

    def __init__(self, folder: Path, options: str) -> None:
        self.output = ""
        self.process = subprocess.Popen(
            [sys.executable, "parent.py", options],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as stdout:
            for line in stdout:  # until the last process that holds it has ended
                self.output += line

    def wait_for(self, pattern: str, count: int = 1) -> list[str]:
        deadline = time.monotonic() + WAIT
        while len(found := re.findall(pattern, self.output)) < count:
            assert time.monotonic() < deadline, f"no {pattern!r} in:\n{self.output}"
            time.sleep(0.01)
        return found

    def serving(self, count: int) -> list[int]:
        """Wait for ``count`` workers since the start, and return their process IDs."""
        return [int(pid) for pid in self.wait_for(r"(\d+) serves", count)]

    def ended_with(self, number: int, count: int = 0) -> list[int]:
        """Wait for ``count`` workers that a signal ended, and return their process IDs."""
        return [int(pid) for pid in self.wait_for(rf"(\d+) ends with {number:d}\n", count)]

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def wait(self) -> str:
        """Wait for the end of the parent and of every worker: no orphan holds the output."""
        self.process.wait(WAIT)
        self._reader.join(WAIT)
        assert not self._reader.is_alive(), "somebody is left"
        return self.output


Start = Callable[..., Parent]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "parent.py").write_text(PARENT)
    started: list[Parent] = []

    def start_parent(workers: int, **options: object) -> Parent:
        defaults = {"workers": workers, "stop_timeout": 60.0, "first_pause": 0.02}
        started.append(Parent(tmp_path, json.dumps(defaults | options)))
        return started[-1]

    yield start_parent
    for parent in started:
        parent.process.kill()
        for pid in re.findall(r"(\d+) serves", parent.output):
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        parent.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_one_signal_ends_all(start: Start, number: signal.Signals) -> None:
    parent = start(2)
    parent.wait_for("ready")
    pids = parent.serving(2)
    assert parent.output.count("for its children a worker: False") == 2
    parent.signal(number)
    assert parent.wait().endswith("all have ended\n")
    assert parent.process.returncode == 0
    passed_on = signal.SIGTERM if number == signal.SIGTERM else signal.SIGINT
    assert sorted(parent.ended_with(passed_on)) == sorted(pids)


def test_a_killed_parent_leaves_no_orphan(start: Start) -> None:
    parent = start(2)
    pids = parent.serving(2)
    parent.process.kill()
    parent.wait()
    assert sorted(parent.ended_with(signal.SIGTERM)) == sorted(pids)


def test_a_worker_that_ends_is_replaced(start: Start) -> None:
    parent = start(2, first_pause=0.1)
    first, second = parent.serving(2)
    os.kill(first, signal.SIGKILL)
    parent.wait_for(rf"Worker {first} was killed by SIGKILL after .* another in 0.1 s")
    third = parent.serving(3)[2]
    os.kill(third, signal.SIGINT)
    parent.wait_for(rf"Worker {third} ended with status 0 after .* another in 0.2 s")
    fourth = parent.serving(4)[3]
    parent.signal(signal.SIGTERM)
    parent.wait()
    assert sorted(parent.ended_with(signal.SIGTERM)) == sorted([second, fourth])


def test_a_start_that_cannot_be_announced_is_a_start(start: Start, tmp_path: Path) -> None:
    code = PARENT.replace('print("ready", flush=True)', "announce()")
    full = 'def announce():\n    raise OSError(28, "No space left on device")\n\n'
    code = code.replace("\nlogging.", f"\n{full}logging.", 1)
    (tmp_path / "parent.py").write_text(code)
    parent = start(1)
    parent.wait_for(r"The server is ready, but this cannot be announced: OSError\(28")
    parent.signal(signal.SIGTERM)
    assert parent.wait().endswith("all have ended\n")


def test_five_failed_starts_end_the_parent(start: Start, tmp_path: Path) -> None:
    (tmp_path / "ill").touch()
    parent = start(3)
    output = parent.wait()
    assert parent.process.returncode == 1
    failures = re.findall(r"failed to start: it ended with status 3 after \S+ s(.*)\.\n", output)
    pauses = ["0.02", "0.04", "0.08", "0.16"]
    assert failures == [*(f"; retrying in {pause} s" for pause in pauses), ""]
    assert "No worker is running, and 5 starts in a row failed. See the log." in output


def test_a_command_that_cannot_be_run_is_tried_again(start: Start, tmp_path: Path) -> None:
    command = tmp_path / "command"
    (tmp_path / "parent.py").write_text(
        PARENT.replace('sys.executable, "worker.py"', '"./command"')
    )
    parent = start(1, first_pause=0.2)
    parent.wait_for("Cannot start a worker: .*command")
    command.write_text(f"#!/bin/sh\nexec {sys.executable} worker.py\n")
    command.chmod(0o755)
    parent.serving(1)
    parent.signal(signal.SIGTERM)
    assert parent.wait().endswith("all have ended\n")


def test_failing_starts_do_not_end_a_parent_whose_other_workers_serve(
    start: Start, tmp_path: Path
) -> None:
    parent = start(2, first_pause=0.01)
    first = parent.serving(2)[0]
    (tmp_path / "ill").touch()
    os.kill(first, signal.SIGKILL)
    parent.wait_for("failed to start", 6)
    (tmp_path / "ill").unlink()
    parent.serving(3)
    assert parent.ended_with(signal.SIGTERM) == []


def test_a_worker_that_does_not_stop_is_killed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "deaf").touch()
    parent = start(1, stop_timeout=0.3)
    (pid,) = parent.serving(1)
    parent.signal(signal.SIGTERM)
    assert f"Killing worker {pid}: it did not stop in time." in parent.wait()
    assert parent.process.returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_that_is_still_being_imported_does_not_hold_the_end(
    start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "importing").touch()
    parent = start(1)
    parent.wait_for("a worker starts")
    parent.signal(number)
    assert parent.wait().endswith("all have ended\n")
    assert "Killing" not in parent.output


def test_a_second_signal_goes_to_the_workers_but_no_second_term(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "deaf").touch()
    parent = start(1)
    (pid,) = parent.serving(1)
    parent.signal(signal.SIGTERM)
    parent.wait_for(f"deaf heard {signal.SIGTERM:d}")
    parent.signal(signal.SIGTERM)
    parent.signal(signal.SIGINT)
    parent.wait_for(f"deaf heard {signal.SIGINT:d}")
    os.kill(pid, signal.SIGKILL)
    assert parent.wait().count("deaf heard") == 2


def test_a_stopping_parent_refuses_clients(start: Start, tmp_path: Path) -> None:
    (tmp_path / "deaf").touch()
    parent = start(1)
    parent.serving(1)
    port = int(parent.wait_for(r"port (\d+)")[0])
    socket.create_connection(("127.0.0.1", port), WAIT).close()
    parent.signal(signal.SIGTERM)
    parent.wait_for("deaf heard")  # it has no sockets any more, and takes its time
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), WAIT)
    assert parent.process.poll() is None


def test_a_worker_that_does_not_start_in_time_is_killed(start: Start, tmp_path: Path) -> None:
    (tmp_path / "hanging").touch()
    parent = start(1, silence=1.0)
    parent.wait_for(r"Killing worker \d+: it did not start within 1 s\.")
    parent.wait_for(r"Worker \d+ failed to start: it was killed by SIGKILL")


def test_a_worker_whose_loop_is_silent_is_killed_and_replaced(start: Start, tmp_path: Path) -> None:
    parent = start(1, silence=3.0)  # also the time for a start, which a busy machine delays
    (pid,) = parent.serving(1)
    (tmp_path / "silent").touch()
    parent.wait_for(f"Killing worker {pid}: its event loop has been blocked for 3 s.")
    (tmp_path / "silent").unlink()
    parent.wait_for(f"Worker {pid} was killed by SIGKILL")
    parent.serving(2)


# HUP, USR1, USR2


def test_hup_starts_successors_one_after_another_and_then_all_old_workers_drain(
    start: Start,
) -> None:
    parent = start(3)
    parent.wait_for("ready")
    old = parent.serving(3)
    parent.signal(signal.SIGHUP)
    parent.wait_for("All workers were replaced")
    new = parent.serving(6)[3:]
    assert sorted(parent.ended_with(signal.SIGTERM, 3)) == sorted(old)
    serves, ends = (parent.output.rindex(word) for word in (" serves", " ends with"))
    assert parent.output.index(" ends with") > serves
    assert ends > serves
    parent.signal(signal.SIGTERM)
    parent.wait()
    assert sorted(parent.ended_with(signal.SIGTERM)) == sorted(old + new)


def test_hup_may_replace_one_by_one(start: Start) -> None:
    parent = start(2, one_by_one=True)
    parent.wait_for("ready")
    parent.signal(signal.SIGHUP)
    parent.wait_for("All workers were replaced")
    parent.ended_with(signal.SIGTERM, 2)
    events = re.findall(r"serves|ends with|replaced", parent.output)
    events.remove("replaced")
    assert events == ["serves", "serves", "serves", "ends with", "serves", "ends with"]


def test_hup_keeps_the_old_workers_if_new_ones_cannot_start(start: Start, tmp_path: Path) -> None:
    parent = start(2)
    old = parent.serving(2)
    parent.wait_for("ready")
    (tmp_path / "ill").touch()
    parent.signal(signal.SIGHUP)
    parent.wait_for("5 starts in a row failed; the old workers keep running.")
    assert parent.ended_with(signal.SIGTERM) == []
    (tmp_path / "ill").unlink()
    parent.signal(signal.SIGHUP)
    assert sorted(parent.ended_with(signal.SIGTERM, 2)) == sorted(old)


def test_usr1_goes_to_all_and_usr2_to_none(start: Start) -> None:
    parent = start(2)
    parent.wait_for("ready")
    parent.signal(signal.SIGUSR2)
    parent.signal(signal.SIGUSR1)
    reopened = parent.wait_for(r"(\d+) reopens", 2)
    assert sorted(map(int, reopened)) == sorted(parent.serving(2))
    assert parent.process.poll() is None


# systemd


def test_systemd_learns_of_each_state(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.settimeout(WAIT)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "200000")
        parent = start(1)
        states: list[str] = []

        def wait_for(expected: str) -> str:
            while expected not in (states := next_state()):
                pass
            return states

        def next_state() -> str:
            states.append(notified.recv(1000).decode())
            return states[-1]

        wait_for("READY=1\nSTATUS=1 workers")
        parent.signal(signal.SIGHUP)
        assert re.search(r"MONOTONIC_USEC=\d+$", wait_for("RELOADING=1"))
        wait_for("READY=1\nSTATUS=All workers were replaced.")
        parent.signal(signal.SIGTERM)
        wait_for("STOPPING=1")
        assert "WATCHDOG=1" in states
        parent.wait()
