"""Set up and run the tests: ``python3 tests [options] [pytest's arguments]``.

Makes ``.venv-tests`` from ``requirements/tests.txt``, finds or installs the programs that tests
need (the table in ``parts.py``), runs pytest, and lists at the end what this machine lacks.

Without arguments for pytest all tests run, in several processes; then up to five tests that failed
run again, one after another, because many wait for programs and the machine may have been busy.
With arguments pytest runs in one process; ``-n 4`` makes it four.

``--quick``
    Only the tests that start no other program: no browser, no nginx, no server or client in a
    process of its own, no installation. Also without the tests that take long: mutations of HTTP
    requests, searches for garbage, and the second run of conversations with FAST_LANE off.
``--strict``
    Fail when a required program is missing.
``--newest``
    Use the newest releases instead of the lock, in ``.venv-newest``, and print first what is newer.
``--style``, ``--types``
    Run only ruff or only mypy, in the same environment. CI calls them after the tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository

from tests.runner import main  # noqa: E402
from tools.launcher import launch  # noqa: E402

if __name__ == "__main__":
    launch(main)
