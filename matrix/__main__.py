"""Try each Python with each Django: ``python3 matrix [--pair NAME …] …``.

Makes ``.venv-matrix`` from ``requirements/matrix.txt``. In it tox makes the environments of
``tox.ini``, with the built wheel and the oldest and the newest releases that c10kws depends on.
``manage.py runtornado`` serves the demo from each, and clients use its WebSockets and its polls.
With the newest they request 2,000 pages, 100 at a time; nothing else should run meanwhile. Writes
``compatibility.rst`` and the folder ``compatibility`` to ``docs/explanation/``.

It needs Linux. The Pythons are those on PATH and those of pyenv; the page names the ones that are
missing. The exit status is 1 when a pair does not work.

``--pair NAME …``
    Try only these, such as ``py312-django60``. The page is then about a subset; choose another
    ``--output``.
``--output FOLDER``
    Write to this folder instead of ``docs/explanation/``.
``--report``
    Try nothing; make page and pictures again from ``compatibility/results.json``.
``--tests``
    Run all tests in the environments by tox; other arguments go to pytest.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository

from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


def main() -> int:
    """Run the command; return its exit status."""
    options, arguments = read_arguments()
    if not sys.platform.startswith("linux"):
        sys.exit("The matrix needs Linux.")
    environment.enter(".venv-matrix", "matrix.txt")
    from matrix import environments

    every = environments.names()
    pairs = list(dict.fromkeys(map(pair_of, every)))
    if unknown := sorted(set(options.pair) - set(pairs)):
        sys.exit(f"python3 matrix: tox.ini has no pair {' '.join(unknown)}")
    chosen = options.pair or pairs
    names = [name for name in every if pair_of(name) in chosen]
    if options.tests:
        return environments.run_tests(names, arguments)
    left_out = [pair for pair in pairs if pair not in chosen]
    return write(names, left_out, options.output, report=options.report)


def pair_of(name: str) -> str:
    """Return ``py312-django60`` of ``py312-django60-newest``."""
    return name.rpartition("-")[0]


def read_arguments() -> tuple[argparse.Namespace, list[str]]:
    """Return the options and, with ``--tests``, pytest's arguments."""
    parser = argparse.ArgumentParser(
        prog="python3 matrix", description="Try each Python with each Django.", allow_abbrev=False
    )
    parser.add_argument("--pair", nargs="+", default=[], metavar="NAME", help="only these pairs")
    parser.add_argument(
        "--output", type=Path, default=ROOT / "docs" / "explanation", metavar="FOLDER"
    )
    parser.add_argument("--report", action="store_true", help="only page and pictures")
    parser.add_argument("--tests", action="store_true", help="run all tests, by tox")
    options, arguments = parser.parse_known_args()
    if arguments and not options.tests:
        parser.error(f"arguments for pytest need --tests: {' '.join(arguments)}")
    return options, arguments


def write(names: list[str], left_out: list[str], folder: Path, *, report: bool) -> int:
    """Write results, page and pictures; return the exit status."""
    from matrix import load, page, picture
    from matrix.results import has_failed

    own = folder / "compatibility"
    own.mkdir(parents=True, exist_ok=True)
    results = own / "results.json"
    if not report:
        results.write_text(as_json(try_all(names) | {"left_out": left_out}), encoding="utf-8")
    found = json.loads(results.read_text(encoding="utf-8"))
    (folder / "compatibility.rst").write_text(page.write(found), encoding="utf-8")
    picture.draw_all(found["pairs"], load.REQUESTS, own)
    print(f"Written to {folder}: compatibility.rst and compatibility/")
    return int(any(has_failed(pair) for pair in found["pairs"]))


def as_json(report: Mapping[str, object]) -> str:
    """Return the JSON of the report, with lists of numbers on one line."""
    text = json.dumps(report, indent=1)
    return re.sub(r"\[\n([\d.,\s]+)\]", lambda own: f"[{' '.join(own[1].split())}]", text) + "\n"


def try_all(names: list[str]) -> dict[str, object]:
    """Try the environments; return a ``Report``."""
    from benchmarks import machine
    from matrix import environments, pairs

    print(f"Making {len(names)} environments. This takes minutes.", flush=True)
    made = environments.make(names)
    with tempfile.TemporaryDirectory(prefix="c10kws-matrix-") as scratch:
        tried = [pairs.try_pair(each, Path(scratch)) for each in pairs.group(made)]
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": describe(machine.processor()),
        "pairs": tried,
    }


def describe(processor: str) -> str:
    """Return the description of the machine, after all trials."""
    cores, load = len(os.sched_getaffinity(0)), os.getloadavg()[0]
    return f"{processor}, {cores} cores, with a load average of {load:.1f} at the end of the run"


if __name__ == "__main__":
    launch(main)
