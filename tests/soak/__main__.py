"""Watch a server for minutes while clients come and go: ``python3 tests/soak [options]``.

Serves a small project by ``runtornado`` on a free port of 127.0.0.1. Clients connect, reset their
connections, read slowly, fall silent, join rooms, upload, load pages, wait for long polls and read
streams. Every ten seconds a line shows the server's memory, descriptors, threads, clients, waiting
requests and blocks of memory, of all its processes. After a third of the time, and at the end, all
clients disconnect. The exit status is 0 if nothing has grown between these two times, if the log
has no traceback, and if each client got what it expected.

``--minutes NUMBER``
    Duration; 5 by default.
``--workers NUMBER``
    Worker processes; 1 by default.
``--tls``
    Serve TLS.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the repository

from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402


def main() -> int:
    """Run the command; return its exit status."""
    options = argparse.ArgumentParser(prog="python3 tests/soak", allow_abbrev=False)
    options.add_argument("--minutes", type=float, default=5.0, help="duration")
    options.add_argument("--workers", type=int, default=1, help="worker processes")
    options.add_argument("--tls", action="store_true", help="serve TLS")
    arguments = options.parse_args()
    environment.enter(".venv-tests", "tests.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    # Only now: it needs the environment.
    from tests.soak.watch import soak

    return asyncio.run(soak(arguments.minutes, arguments.workers, tls=arguments.tls))


if __name__ == "__main__":
    launch(main)
