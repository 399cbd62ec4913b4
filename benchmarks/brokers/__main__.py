"""Measure rooms over several processes: ``python3 benchmarks/brokers [--clients N …] …``.

Starts a Redis server, and sites of two servers with two workers each: c10kws and Channels. Clients
connect to the servers of a site in turns and are in one room. The command measures how many
deliveries a second a site makes, the highest rate of messages that it holds, and the latency of ten
messages a second. Each client checks that it gets all messages, and in the order of the others.
Then it measures the price of each broker in one process. It prints tables and writes
``results.json`` and ``results.rst`` to the folder ``--output``. It needs Linux, a C compiler and
redis-server.

``--here``
    Use this Python with the releases that it has installed.
``--page``
    Write the page ``docs/explanation/broker-benchmarks.rst``, too.
``--report FILE``
    Measure nothing; make the tables from a ``results.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the repository

from benchmarks import machine  # noqa: E402
from benchmarks.brokers import prices, redis_server, report, rooms  # noqa: E402
from benchmarks.brokers.sites import LARGE, sites_for  # noqa: E402
from benchmarks.load import compile_programs  # noqa: E402
from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

OUTPUT = Path(__file__).resolve().parents[1] / "results" / "brokers"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "broker-benchmarks.rst"
#: Clients of a room.
CLIENTS = (1000, 10000)
#: The servers and the load client need file descriptors besides those of the clients.
SPARE_FILES = 1000


def main() -> int:
    """Run the command; return its exit status: 1 when a client missed a message."""
    options = read_arguments()
    if not sys.platform.startswith("linux"):
        sys.exit("The load client needs Linux: it uses epoll.")
    if not options.here:
        environment.enter(".venv-benchmarks", "benchmarks.txt")
    if options.report:
        document = json.loads(options.report.read_text(encoding="utf-8"))
    else:
        document = measure(options)
    text = report.report(document)
    print("\n" + text)
    write(options.output / "results.json", json.dumps(document, indent=1) + "\n")
    write(options.output / "results.rst", text)
    if options.page:
        write(PAGE, text)
    return int(any(report.failures(document)))


def write(path: Path, text: str) -> None:
    """Write a file, in a folder that may not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def read_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python3 benchmarks/brokers",
        description="Measure rooms over several processes.",
        allow_abbrev=False,
    )
    names = [site.name for site in LARGE]
    parser.add_argument(
        "--clients",
        type=int,
        nargs="*",
        default=CLIENTS,
        metavar="N",
        help="sizes of rooms (default: 1000 10000; none measures only the prices)",
    )
    parser.add_argument(
        "--site", choices=names, nargs="+", default=[], metavar="NAME", help="only these sites"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--seconds", type=float, default=2.0, metavar="S")
    parser.add_argument("--no-prices", action="store_true", help="skip the price of each broker")
    parser.add_argument("--output", type=Path, default=OUTPUT, metavar="FOLDER")
    parser.add_argument("--page", action="store_true", help="write the page of the documentation")
    parser.add_argument("--report", type=Path, metavar="FILE", help="make the tables of this file")
    parser.add_argument("--here", action="store_true", help="use this Python")
    return parser.parse_args()


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Measure and return the results."""
    most = machine.file_limit() - SPARE_FILES
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:4.0f} s  {text}", flush=True)

    with tempfile.TemporaryDirectory(prefix="c10kws-benchmarks-") as name:
        folder = Path(name)
        compile_programs(folder)
        with redis_server.running_redis(folder) as redis:
            tools = rooms.Tools(
                folder / "load", folder, redis, options.seconds, options.rounds, say
            )
            sizes = [min(clients, most) for clients in options.clients]
            measured = [
                rooms.measure_room(tools, sites_for(clients, options.site), clients)
                for clients in sizes
            ]
            runs = [] if options.no_prices else prices.measure_prices(tools, options.seconds / 3)
    return {
        "scale": f"Rounds of {options.seconds:g} seconds, {options.rounds} of them.",
        "facts": machine.facts(),
        "rooms": measured,
        "prices": runs,
    }


if __name__ == "__main__":
    launch(main)
