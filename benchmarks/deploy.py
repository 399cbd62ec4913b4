"""Measure a deploy: ``python3 benchmarks/deploy.py [--workers 4] [--clients 2000] [--rate 20] …``.

Starts a server with several workers, connects event clients that send requests all the time, and
restarts the workers by HUP. It prints what the clients have seen: refused connections, requests
without an answer or an error, how many clients reconnected within 100 ms, and for how long each was
away. The exit status is 1 if a connection was refused, an answer was lost, or a client did not come
back.

``--server gunicorn``
    Measure ``gunicorn -k c10kws.gunicorn.Worker`` instead of ``runtornado``.
``--drain-rate R``
    The setting DRAIN_RATE.
``--here``
    Use this Python with the releases that it has installed.
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path[0] = str(Path(__file__).resolve().parents[1])  # the repository

from benchmarks import machine  # noqa: E402
from benchmarks.load import Client, read_result  # noqa: E402
from benchmarks.processes import (  # noqa: E402
    end,
    free_port,
    session,
    start,
    wait_for_answer,
    wait_until_listening,
)
from benchmarks.runner import BROWSER, Bench, bench, variables_for  # noqa: E402
from tools import environment  # noqa: E402
from tools.launcher import launch  # noqa: E402

#: Seconds with requests before the restart, and after it.
CALM = 3.0
#: Seconds that the restart may take.
PATIENCE = 120.0
SUBPROTOCOL = "Sec-WebSocket-Protocol: c10kws.v1.json"
COMMANDS = {
    "runtornado": (
        *("-m", "benchmarks.project.manage", "runtornado", "--skip-checks"),
        *("--workers", "{workers}", "127.0.0.1:{port}"),
    ),
    "gunicorn": (
        *("-m", "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "{workers}"),
        *("--worker-class", "c10kws.gunicorn.Worker", "--backlog", "4096"),
        *("--log-level", "critical", "benchmarks.project.wsgi"),
    ),
}
#: The rows of the report: a text, and the key of the load client's result.
ROWS = (
    ("requests", "requests"),
    ("answers", "answers"),
    ("interrupted: an error at the caller", "interrupted"),
    ("lost: neither an answer nor an error", "lost"),
    ("connections that the server closed with a Close", "disconnected"),
    ("connections that ended without a Close", "broken"),
    ("refused or failed attempts to connect", "refused"),
    ("reconnects", "reconnects"),
    ("most reconnects within 100 ms", "most_reconnects"),
    ("clients connected at the end", "connected"),
    ("ms away, median", "away_p50_ms"),
    ("ms away, longest", "away_max_ms"),
    ("µs until the answer, median", "p50_us"),
    ("µs until the answer, 99 %", "p99_us"),
    ("share of a core that the clients used", "client"),
)


def main() -> int:
    """Run the command; return its exit status."""
    options = read_arguments()
    if not options.here:
        environment.enter(".venv-benchmarks", "benchmarks.txt")
    with bench(machine.choose_cores()) as shared:
        result = measure(shared, options)
    print_report(result)
    return int(bool(problems(result, options.clients)))


def read_arguments() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python3 benchmarks/deploy.py", description="Measure a restart of all workers."
    )
    parser.add_argument("--server", choices=COMMANDS, default="runtornado")
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--rate", type=float, default=20, help="requests a second of each client")
    parser.add_argument("--drain-rate", type=int, default=200)
    parser.add_argument("--here", action="store_true", help="use this Python")
    return parser.parse_args()


def measure(shared: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """Restart the workers of a server while clients send requests; return what they have seen."""
    port = free_port()
    words = {"port": port, "workers": options.workers}
    command = [sys.executable, *(word.format(**words) for word in COMMANDS[options.server])]
    variables = {
        **variables_for(shared.folder),
        "BENCHMARKS_C10KWS": json.dumps({"DRAIN_RATE": options.drain_rate}),
    }
    log = shared.folder / "server.log"
    with serving(command, variables, port, log) as server:
        load = ["--port", str(port), "--path", "/ws/events", "--rate", str(options.rate)]
        load += ["--connections", str(options.clients)]
        for line in (*BROWSER, f"Origin: http://127.0.0.1:{port}", SUBPROTOCOL):
            load += ["--header", line]
        return restart_under_load(shared.client, load, server)


@contextmanager
def serving(
    command: Sequence[str], variables: dict[str, str], port: int, log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on all cores while the block runs."""
    process = start(command, variables, log)
    try:
        wait_until_listening(process, port, log)
        wait_for_answer(port)
        yield process
    finally:
        end(process)


def restart_under_load(
    client: Client, load: Sequence[str], server: subprocess.Popen[bytes]
) -> dict[str, Any]:
    """Connect the clients, restart the workers, and return the clients' result."""
    with client.start("deploy", load, subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            print(process.stdout.readline().strip(), flush=True)
            time.sleep(CALM)
            old = set(session(server.pid)) - {server.pid}
            began = time.monotonic()
            server.send_signal(signal.SIGHUP)
            wait_for_end(old, server.pid)
            seconds = time.monotonic() - began
            time.sleep(CALM)
            output, _ = process.communicate(timeout=PATIENCE)
        except BaseException:
            process.kill()
            raise
    return {**read_result(output), "restart": seconds}


def wait_for_end(workers: set[int], leader: int) -> None:
    """Wait until all old workers have ended."""
    deadline = time.monotonic() + PATIENCE
    while workers & set(session(leader)):
        if time.monotonic() > deadline:
            raise SystemExit(f"The old workers did not end within {PATIENCE:g} s.")
        time.sleep(0.1)


def print_report(result: dict[str, Any]) -> None:
    """Print what the clients have seen."""
    for text, key in ROWS:
        print(f"{text:<50} {result.get(key, '–'):>12,}")
    print(f"{'s from HUP to the end of the last old worker':<50} {result['restart']:>12.1f}")
    if result["failed"]:
        print(f"{result['failed']} clients failed: {result['failure']}")


def problems(result: dict[str, Any], clients: int) -> list[str]:
    """Return the names of the results that show a loss."""
    found = [key for key in ("failed", "lost", "broken", "refused") if result.get(key, 1)]
    return found if result.get("connected") == clients else [*found, "connected"]


if __name__ == "__main__":
    launch(main)
