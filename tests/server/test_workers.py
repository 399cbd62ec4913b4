"""Several processes as one server: restarts, and the end of all."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.waiting import WAIT

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")

#: A worker prints its name and waits for its end; one named "deaf" ignores signals.
WORKER = """
import os, signal, sys, time
from c10kws_tornado.process import workers
name = workers.own_name()

def say(text):  # in one write: the lines of several workers must not mix
    os.write(1, (text + "\\n").encode())

if name == "ill":
    raise SystemExit(3)

def handle(number, frame):
    if name == "deaf":
        say(f"deaf heard {number}")
    else:
        say(f"bye {name}")
        os._exit(0)

def restart(number, frame):
    say(f"{name} restarts")
    if os.path.exists("broken"):
        os._exit(4)
    workers.restore()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

signal.signal(signal.SIGHUP, restart)
signal.signal(signal.SIGUSR1, lambda *_: say(f"{name} reopens"))
signal.signal(signal.SIGTERM, handle)
signal.signal(signal.SIGINT, handle)
workers.end_with_parent()
say(f"worker {name} is {os.getpid()}, for its children {workers.own_name()}")
workers.serves()
while True:  # signal.pause() misses a signal that comes just before it
    time.sleep(0.05)
"""
PARENT = """
import sys
from c10kws_tornado import Workers
Workers([sys.executable, "worker.py"], sys.argv[2:], float(sys.argv[1])).run()
print("all have ended", flush=True)
"""


class Parent:
    """A process with workers, and the output of all."""

    def __init__(self, folder: Path, arguments: tuple[str, ...]) -> None:
        self.output = ""
        self.process = subprocess.Popen(
            [sys.executable, "parent.py", *arguments],
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

    def wait(self) -> None:
        """Wait for the end of the parent and of every worker: no orphan holds the output."""
        self.process.wait(WAIT)
        self._reader.join(WAIT)
        assert not self._reader.is_alive(), "somebody is left"


Start = Callable[..., Parent]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "worker.py").write_text(WORKER)
    (tmp_path / "parent.py").write_text(PARENT)
    started: list[Parent] = []

    def start_parent(*names: str, drain_timeout: float = 60.0) -> Parent:
        started.append(Parent(tmp_path, (str(drain_timeout), *names)))
        return started[-1]

    yield start_parent
    for parent in started:
        parent.process.kill()
        parent.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGQUIT])
def test_one_signal_ends_all(start: Start, number: signal.Signals) -> None:
    parent = start("a", "b", "c")
    assert sorted(parent.wait_for(r"worker (\w) is", 3)) == ["a", "b", "c"]
    parent.process.send_signal(number)
    parent.wait()
    assert parent.process.returncode == 0
    assert sorted(re.findall(r"bye (\w)", parent.output)) == ["a", "b", "c"]
    assert parent.output.endswith("all have ended\n")


def test_a_killed_parent_leaves_no_orphan(start: Start) -> None:
    parent = start("a", "b")
    parent.wait_for("is", 2)
    parent.process.kill()
    parent.wait()
    assert sorted(re.findall(r"bye (\w)", parent.output)) == ["a", "b"]


def test_a_worker_that_dies_is_started_again(start: Start) -> None:
    parent = start("a", "b")
    (first,) = parent.wait_for(r"worker a is (\d+)")
    os.kill(int(first), signal.SIGKILL)
    parent.wait_for("The worker for a ended with status -9 after")
    second = parent.wait_for(r"worker a is (\d+)", 2)[1]
    assert second != first
    assert len(re.findall("worker b is", parent.output)) == 1


def test_one_that_cannot_start_is_tried_after_longer_and_longer_pauses(start: Start) -> None:
    parent = start("ill", "well")
    assert parent.wait_for(r"ill ended with status 3 .* restarting it in (\S+) s", 2) == [
        "0.5",
        "1",
    ]
    parent.process.send_signal(signal.SIGTERM)
    parent.wait()  # a pause does not delay the end


def test_who_does_not_end_is_killed(start: Start) -> None:
    parent = start("deaf", "well", drain_timeout=0.5)
    parent.wait_for("is", 2)
    parent.process.send_signal(signal.SIGTERM)
    parent.wait()
    assert re.findall(r"bye (\w+)", parent.output) == ["well"]


def test_a_second_signal_goes_to_the_workers_but_no_second_term(start: Start) -> None:
    parent = start("deaf", "well")
    parent.wait_for("is", 2)
    parent.process.send_signal(signal.SIGTERM)
    parent.wait_for("bye well")
    parent.wait_for(f"deaf heard {signal.SIGTERM:d}")
    parent.process.send_signal(signal.SIGTERM)
    parent.process.send_signal(signal.SIGINT)
    parent.wait_for(f"deaf heard {signal.SIGINT:d}")
    os.kill(int(parent.wait_for(r"worker deaf is (\d+)")[0]), signal.SIGKILL)
    parent.wait()
    assert parent.output.count("deaf heard") == 2


def test_a_command_that_cannot_be_run_is_tried_again(start: Start, tmp_path: Path) -> None:
    command = tmp_path / "command"
    (tmp_path / "parent.py").write_text(
        PARENT.replace('sys.executable, "worker.py"', '"./command"')
    )
    parent = start("a")
    parent.wait_for(r"The worker for a could not be started: .*command")
    command.write_text(f"#!/bin/sh\nexec {sys.executable} worker.py\n")
    command.chmod(0o755)
    parent.wait_for("worker a is")
    parent.process.send_signal(signal.SIGTERM)
    parent.wait()
    assert parent.output.endswith("all have ended\n")


def test_the_children_of_a_worker_are_none(start: Start) -> None:
    assert start("a").wait_for("for its children (.*)") == ["None"]


def test_hup_restarts_one_after_another(start: Start) -> None:
    parent = start("a", "b", "c")
    before = parent.wait_for(r"worker (\w is \d+)", 3)
    parent.process.send_signal(signal.SIGHUP)
    after = parent.wait_for(r"worker (\w is \d+)", 6)[3:]
    assert sorted(before) == after  # each is the same process, and they come in their order
    events = re.findall(r"(\w) restarts|worker (\w) is", parent.output)[3:]
    assert [first or second for first, second in events] == ["a", "a", "b", "b", "c", "c"]
    parent.process.send_signal(signal.SIGTERM)
    parent.wait()
    assert sorted(re.findall(r"bye (\w)", parent.output)) == ["a", "b", "c"]


def test_a_restart_ends_with_the_first_worker_that_does_not_come_back(
    start: Start, tmp_path: Path
) -> None:
    parent = start("a", "b")
    parent.wait_for("is", 2)
    (tmp_path / "broken").touch()
    parent.process.send_signal(signal.SIGHUP)
    parent.wait_for("The worker for a did not serve after its restart")
    assert "b restarts" not in parent.output


def test_usr1_goes_to_all_and_usr2_to_none(start: Start) -> None:
    parent = start("a", "b")
    parent.wait_for("is", 2)
    parent.process.send_signal(signal.SIGUSR2)
    parent.process.send_signal(signal.SIGUSR1)
    assert sorted(parent.wait_for(r"(\w) reopens", 2)) == ["a", "b"]
    assert parent.process.poll() is None
