"""The server under test: the project of this folder under ``manage.py runtornado``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .processes import Failed, running, tail

ROOT = Path(__file__).resolve().parents[2]
ADDRESS = "127.0.0.1"
#: Seconds until the server must answer; a machine that has much to do takes its time.
START_TIMEOUT = 60.0


@contextmanager
def serve(log: Path, *, lane: bool) -> Iterator[str]:
    """Serve the echo on a free port while the block runs; yield its ``ws://`` URL.

    ``lane=False`` leaves every frame to wsproto (``C10KWS["FAST_LANE"]``). Raises :exc:`Failed`.
    """
    port = free_port()
    variables = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.conformance.project.settings",
        "C10KWS_CONFORMANCE_LANE": "on" if lane else "off",
    }
    command = [sys.executable, "-m", "django", "runtornado", f"{ADDRESS}:{port}"]
    with running(command, log, folder=ROOT, variables=variables) as process:
        wait_until_it_answers(process, port, log)
        yield f"ws://{ADDRESS}:{port}"


def free_port() -> int:
    """Return a port that nobody had a moment ago."""
    with socket.create_server((ADDRESS, 0)) as server:
        port: int = server.getsockname()[1]
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
