"""Try all faults of brokers: ``python3 tests/faults [NAME …]``.

Starts real servers, real clients, and a real Redis or hub. A worker and a process that does not
serve emit up to 50 events a second each, to a room with a history and to one without. Then a fault
happens. Prints what the clients have missed. When all faults were tried, writes the tables of
``docs/explanation/faults.rst``. The exit status is 0 if nothing was lost without an announcement,
and if nothing came twice or out of order.

``NAME …``
    Try only these.
``--short``
    Make the faults and the timeouts shorter, as the tests do.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[0] = str(ROOT)

from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

TABLE = ROOT / "docs" / "explanation" / "faults.txt"


def main() -> int:
    """Run the command; return its exit status."""
    options = argparse.ArgumentParser(prog="python3 tests/faults", allow_abbrev=False)
    options.add_argument("names", nargs="*", metavar="NAME", help="try only these")
    options.add_argument("--short", action="store_true", help="shorter faults and timeouts")
    arguments = options.parse_args()
    environment.enter(".venv-tests", "tests.txt")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers end, too
    return try_all(arguments.names, short=arguments.short)


def try_all(names: list[str], *, short: bool) -> int:
    """Try the scenarios of these names; all without names."""
    # Only now: they need the environment.
    from benchmarks.machine import facts
    from tests.faults.run import run
    from tests.faults.scenarios import SCENARIOS
    from tests.faults.table import report

    machine = facts()
    results, faultless = {}, True
    for name in names or SCENARIOS:
        scenario = SCENARIOS[name].shorten() if short else SCENARIOS[name]
        results[name] = asyncio.run(run(scenario))
        for room, verdict in results[name].items():
            print(name, room, verdict, flush=True)
            faultless = faultless and scenario.accepts(room, verdict)
    text = report(results, machine)
    print(text)
    if not names and not short:
        TABLE.write_text(text, encoding="utf-8")
    return 0 if faultless else 1


if __name__ == "__main__":
    launch(main)
