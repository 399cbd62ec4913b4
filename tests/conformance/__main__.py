"""Try our frames against the Autobahn|Testsuite: ``python3 tests/conformance [options]``.

Serves an echo by ``manage.py runtornado`` on a free port of 127.0.0.1 and sends it the cases of
the suite, which runs in ``.venv-autobahn``, a Python 2.7. The exit status is 0 when every case is
OK, but for the three that are only informational, and every case was there.

``--groups fast``
    Without 9 (limits, performance) and 12, 13 (compression), which take most of the time.
``--no-lane``
    Every frame that comes by wsproto: ``C10KWS = {"FAST_LANE": False}``.
``--keep FOLDER``
    Keep the suite's reports (``client-1/index.html`` …) and all logs in a new folder.
``--require``
    Without a Python 2.7 the exit status is 1; else that is no failure.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the repository

from tests.conformance import python27  # noqa: E402
from tests.conformance.trial import SELECTIONS, try_server  # noqa: E402
from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402
from tools.processes import Failed  # noqa: E402


def main() -> int:
    """Run the command; return its exit status."""
    options = read_arguments()
    try:
        python = python27.find_python()
    except python27.NoPython27 as reason:
        print(f"NOT RUN: {reason}")
        return int(options.require)
    environment.enter(".venv-tests", "tests.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started ends, too
    try:
        return run(python, options)
    except Failed as reason:
        print(f"FAILED: {reason}")
        return 1


def run(python: str, options: argparse.Namespace) -> int:
    """Run the cases and print the verdict; return the exit status."""
    suite = python27.install(python)
    selection = SELECTIONS[options.groups]
    print(f"Running {selection.size} cases", flush=True)
    with tempfile.TemporaryDirectory(prefix="c10kws-conformance-") as scratch:
        folder = Path(options.keep or scratch).resolve()
        folder.mkdir(parents=True, exist_ok=not options.keep)
        verdict = try_server(suite, selection, folder, lane=not options.no_lane)
    print(verdict.summary)
    print("FAILED" if verdict.problems else "PASSED")
    return int(bool(verdict.problems))


def read_arguments() -> argparse.Namespace:
    """Return ``groups``, ``no_lane``, ``keep`` and ``require``."""
    parser = argparse.ArgumentParser(
        prog="python3 tests/conformance", description="Run the Autobahn|Testsuite."
    )
    parser.add_argument("--groups", choices=SELECTIONS, default="all", help="which cases (all)")
    parser.add_argument("--no-lane", action="store_true", help="leave every frame to wsproto")
    parser.add_argument("--keep", metavar="FOLDER", help="a new folder for reports and logs")
    parser.add_argument("--require", action="store_true", help="fail without a Python 2.7")
    options = parser.parse_args()
    if options.keep and Path(options.keep).exists():
        parser.error(f"--keep names a new folder, and {options.keep} is there")
    return options


if __name__ == "__main__":
    launch(main)
