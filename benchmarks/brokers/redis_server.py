"""A redis-server for the benchmarks, on a Unix socket in a folder of its own."""

from __future__ import annotations

import os
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..processes import READY_TIMEOUT, end, settle_on, start, tail


def find_redis() -> str:
    """Return the path of redis-server. Raises SystemExit if this machine has none."""
    found = os.environ.get("C10KWS_REDIS") or shutil.which("redis-server")
    if not found:
        raise SystemExit("No redis-server found. Debian, Ubuntu: apt-get install redis-server")
    return found


@contextmanager
def running_redis(folder: Path) -> Iterator[tuple[int, Path]]:
    """Run a server that saves nothing while the block runs; yield its process and its socket."""
    path, log = folder / "redis.sock", folder / "redis.log"
    command = (
        *(find_redis(), "--port", "0", "--unixsocket", str(path)),
        *("--save", "", "--dir", str(folder)),
    )
    process = start(command, {}, log, settle_on())
    try:
        deadline = time.monotonic() + READY_TIMEOUT
        while not _listens(path):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"redis-server did not start: {tail(log)}")
            time.sleep(0.02)
        yield process.pid, path
    finally:
        end(process)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0
