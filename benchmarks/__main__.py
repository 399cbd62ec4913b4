"""Measure c10kws and its peers: ``python3 benchmarks [--quick] [--workload NAME …] …``.

Makes ``.venv-benchmarks`` from ``requirements/benchmarks.txt``, compiles the load client with the
C compiler of the machine (Linux only), starts each server and prints tables. It writes
``results.json`` (all runs), ``results.rst`` and ``results.svg`` to the folder ``--output``. A full
run takes about two and a half hours, ``--quick`` ten minutes; nothing else should run meanwhile.

``--here``
    Use this Python with the releases that it has installed.
``--newest``
    Use the newest releases instead of the lock, in ``.venv-benchmarks-newest``.
``--report FILE``
    Measure nothing; make tables and picture from a ``results.json``.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository

from benchmarks import machine, results, runner  # noqa: E402
from benchmarks.peers import PEERS  # noqa: E402
from benchmarks.workloads import WORKLOADS, Workload  # noqa: E402
from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

OUTPUT = Path(__file__).resolve().parent / "results"
QUICK = runner.Scale(rounds=1, seconds=0.5, quick=True)


def main() -> int:
    """Run the command; return its exit status: 1 when a run failed."""
    options = read_arguments()
    if options.list:
        return print_names()
    if not sys.platform.startswith("linux"):
        sys.exit("The load client needs Linux: it uses epoll.")
    if not options.here:
        name, source = (
            (".venv-benchmarks-newest", "benchmarks.in")
            if options.newest
            else (".venv-benchmarks", "benchmarks.txt")
        )
        environment.enter(name, source)
    if options.report:
        document = json.loads(options.report.read_text(encoding="utf-8"))
    else:
        document = measure(options)
    if not document["runs"]:
        sys.exit("Nothing was measured.")
    write(document, options.output)
    return int(any(run["failed"] for run in document["runs"]))


def read_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python3 benchmarks", description="Measure c10kws and its peers.", allow_abbrev=False
    )
    workloads, servers = [w.name for w in WORKLOADS], [peer.name for peer in PEERS]
    for name, choices, text in (
        ("--workload", workloads, "measure only these workloads"),
        ("--server", servers, "measure only these servers and their baselines"),
    ):
        parser.add_argument(name, choices=choices, nargs="+", default=[], metavar="NAME", help=text)
    parser.add_argument("--rounds", type=int, metavar="N", help="number of rounds (default: 7)")
    parser.add_argument("--seconds", type=float, metavar="S", help="seconds of a run (default: 3)")
    parser.add_argument("--quick", action="store_true", help="measure one short round")
    parser.add_argument(
        "--connections", type=int, metavar="N", help="use at most N connections in a run"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="make the report of a results.json",
    )
    parser.add_argument("--list", action="store_true", help="list the workloads and servers")
    parser.add_argument("--here", action="store_true", help="use this Python")
    parser.add_argument(
        "--newest", action="store_true", help="use the newest releases, not the lock"
    )
    return parser.parse_args()


def print_names() -> int:
    """Print the names of workloads and servers."""
    for workload in WORKLOADS:
        print(f"{workload.name:20} {workload.title}")
        print(" " * 20, "on", ", ".join(peer.name for peer in workload.peers()))
    return 0


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the results. Ctrl-C ends it with the results so far."""
    plain = QUICK if options.quick else runner.Scale()
    scale = runner.Scale(
        rounds=options.rounds or plain.rounds,
        seconds=options.seconds or plain.seconds,
        quick=plain.quick,
        connections=options.connections or plain.connections,
    )
    cores = machine.choose_cores()
    placing = cores.describe()
    print(placing, flush=True)
    workloads = [
        w for w in WORKLOADS if (w.name in options.workload if options.workload else not w.extra)
    ]
    runs: list[runner.Run] = []
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with runner.bench(cores) as bench:
            for run in runner.run_all(bench, workloads, options.server, scale):
                runs.append(run)
                print(progress(run, scale.rounds), flush=True)
    except KeyboardInterrupt:
        print("Interrupted. Results so far:", flush=True)
    kind = "quick, so only a hint: " if scale.quick else ""
    return {
        "scale": f"Rounds of {scale.seconds:g} seconds, {scale.rounds} of them ({kind}see below).",
        "facts": {**machine.facts(), "placing": placing},
        "runs": runs,
    }


def progress(run: runner.Run, rounds: int) -> str:
    """Return the line of a run for the terminal."""
    workload = workload_of(run)
    if results.usable(workload, run):
        value = results.values(workload, [run])[run["round"]]
        said = f"{value:,.2f} {workload.metric.unit}"
    else:
        said = results.failure(run)
    most = min(rounds, workload.most_rounds)
    return f"{run['round'] + 1}/{most} {run['workload']:20} {run['server']:25} {said}"


def workload_of(run: runner.Run) -> Workload:
    """Return a run's workload."""
    return next(workload for workload in WORKLOADS if workload.name == run["workload"])


def write(document: dict[str, Any], folder: Path) -> None:
    """Print the tables; write them, the picture and the raw results."""
    from benchmarks import picture, tables

    text = tables.report(document["facts"], document["scale"], document["runs"])
    print("\n" + text)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    (folder / "results.rst").write_text(text, encoding="utf-8")
    picture.draw(document["runs"], folder / "results.svg")
    print(f"Written to {folder}: results.json, results.rst, results.svg")


if __name__ == "__main__":
    launch(main)
