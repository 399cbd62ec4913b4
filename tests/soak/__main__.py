"""Watch a server for minutes while clients come and go: ``python3 tests/soak [options]``.

Serves a small project by ``runtornado`` on a free port of 127.0.0.1. Clients connect, reset their
connections, read slowly, fall silent, load pages, wait for long polls and read streams. Every ten
seconds a line shows the server's memory, descriptors, threads, clients and waiting requests. The
exit status is 0 if none of these grows, and if nothing is left when the clients have ended.

``--minutes NUMBER``
    Duration; 5 by default.
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
    minutes: float = options.parse_args().minutes
    environment.enter(".venv-tests", "tests.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server ends, too
    # Only now: it needs the environment.
    from tests.soak.watch import soak

    return asyncio.run(soak(minutes))


if __name__ == "__main__":
    launch(main)
