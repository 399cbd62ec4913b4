"""Processes that end with the block that started them, and servers among them.

For ``tests/`` and ``matrix/``. Standard library only.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ADDRESS = "127.0.0.1"
#: Seconds until a server must answer; a machine that has much to do takes its time.
START_TIMEOUT = 60.0
#: Seconds in which a process must have ended that was asked to; then it is killed.
GRACE = 10.0


class Failed(Exception):
    """A process did not do what it was started for; says which, and what it printed."""


@contextmanager
def running(
    command: Sequence[str | Path],
    log: Path,
    *,
    folder: Path,
    variables: Mapping[str, str] | None = None,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command in ``folder``, all its output in ``log``; when the block ends, it has ended."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and kill it when it does not; one that has ended is left alone."""
    process.terminate()
    try:
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    finally:  # a second Ctrl-C shortens the wait
        process.kill()


def tail(log: Path, lines: int = 15) -> str:
    """Return the last lines of a log, indented, for a message."""
    text = log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    return "\n".join(f"    {line}" for line in text)


def free_port() -> int:
    """Return a port that was free a moment ago, at random, since others look for one as well.

    It is below the ports that systems give to outgoing connections, which could take it meanwhile.
    """
    while True:
        port = random.randrange(12_000, 32_000)
        with suppress(OSError), socket.create_server((ADDRESS, port)):
            return port


def wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Return when the server takes connections; raise :exc:`Failed` when it will not."""
    deadline = time.monotonic() + START_TIMEOUT
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection((ADDRESS, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise Failed(f"the server did not start:\n{tail(log)}")
