"""Real Redis servers, each in a folder of its own, on a Unix socket."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import redis

from .waiting import WAIT


def find_redis() -> str:
    """Return the path of redis-server; skip the test if this machine has none."""
    found = os.environ.get("C10KWS_REDIS") or shutil.which("redis-server")
    if not found:
        pytest.skip("no Redis on this machine: apt-get install redis-server")
    return found


class RedisServer:
    """A server that saves nothing. ``options`` are those of its command line.

    With a ``configuration`` it is a Sentinel, which keeps its state in that file.
    """

    def __init__(self, folder: Path, *options: str, configuration: str = "") -> None:
        self._folder = folder
        self._options = [*options]
        self._file: list[str | Path] = []
        if configuration:
            self._file = [folder / "sentinel.conf", "--sentinel"]
            (folder / "sentinel.conf").write_text(configuration)
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self._folder / "redis.txt").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(find_redis(), *self._file, "--port", "0", "--unixsocket", self.socket),
                    *("--save", "", "--dir", self._folder, *self._options),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + WAIT
        while not self._answers():
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.02)

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(self.call("PING"))
        return False

    def log(self) -> str:
        """Return what it has logged."""
        return (self._folder / "redis.txt").read_text(errors="replace")

    def call(self, *command: Any) -> Any:
        """Return the reply to a command."""
        with redis.Redis(unix_socket_path=str(self.socket), decode_responses=True) as client:
            return client.execute_command(*command)

    def pause(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill it, as a crash would."""
        self._process.kill()
        self._process.wait(WAIT)
