"""The runs, interleaved: each round measures all servers of a workload once."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import pauses
from .load import Client, compile_programs, settled_memory
from .machine import Cores, file_limit
from .peers import Peer
from .processes import ROOT, Server, ServerError, free_port, running, wait_for_answer
from .workloads import Workload

#: The headers that Chrome sends with a WebSocket handshake in addition to the required ones.
BROWSER = (
    "Pragma: no-cache",
    "Cache-Control: no-cache",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/140.0.0.0 Safari/537.36",
    "Accept-Encoding: gzip, deflate, br, zstd",
    "Accept-Language: en-US,en;q=0.9,de;q=0.8",
)
EXTENSIONS = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
#: Modes that measure opening. Their clients offer compression, as browsers do.
OPENING = ("handshakes", "reconnects", "idle", "churn")
#: File descriptors that a server needs in addition to its connections.
SPARE_FILES = 1000
QUICK_CONNECTIONS = 1000
#: Slow readers, and visitors, of a small run.
FEWEST = 4

Run = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """The number, length and size of the runs."""

    rounds: int = 7
    seconds: float = 3.0
    quick: bool = False
    #: The maximum number of connections of a run.
    connections: int = 1_000_000

    def options(self, workload: Workload) -> list[str]:
        """Return the load client's options for a workload at this scale."""
        options = [*workload.options, "--timeout", str(workload.timeout)]
        if workload.timed:
            warmup = min(0.5, self.seconds / 2)
            options += ["--seconds", str(self.seconds), "--warmup", str(warmup)]
        most = min(self.connections, file_limit() - SPARE_FILES)
        if self.quick:
            most = min(most, QUICK_CONNECTIONS)
        lower(options, "--connections", most)
        lower(options, "--visits", most)
        for name in ("--slow", "--visitors"):
            lower(options, name, max(most // 10, FEWEST))
        return options


def lower(options: list[str], name: str, most: int) -> None:
    """Reduce an option to a maximum, if it is present."""
    if name in options:
        place = options.index(name) + 1
        options[place] = str(min(int(options[place]), most))


@dataclass(frozen=True)
class Bench:
    """The data that all runs share."""

    client: Client
    cores: Cores
    folder: Path
    #: The value of the cookie ``sessionid`` of a logged-in user.
    session: str

    @property
    def pauses(self) -> Path:
        """Return the log of the server's garbage collections."""
        return self.folder / "pauses.log"

    def headers(self, workload: Workload, port: int) -> Iterator[str]:
        """Yield the options for the headers of a browser."""
        lines = [*BROWSER, f"Origin: http://127.0.0.1:{port}"]
        if workload.mode in OPENING:
            lines.append(EXTENSIONS)
        cookies = "csrftoken=Zx4kQm2WcYt8RvB6nLpD0sHfJg3TaEuX"
        if workload.user:
            cookies += f"; sessionid={self.session}"
        for line in (*lines, f"Cookie: {cookies}"):
            yield from ("--header", line)

    def measure(self, workload: Workload, peer: Peer, scale: Scale) -> Run:
        """Start a server, measure it and end it; a failure is also a result."""
        port = free_port()
        options = ["--port", str(port), "--path", workload.path, *scale.options(workload)]
        options += self.headers(workload, port)
        if peer.name != workload.baseline:
            options += workload.busy_with
        variables = {**variables_for(self.folder), **peer.variables}
        command = [word.format(port=port, folder=self.folder) for word in peer.command]
        if workload.mode == "churn":
            self.pauses.unlink(missing_ok=True)
            command = pauses.watched(command)
            variables[pauses.VARIABLE] = str(self.pauses)
        log = self.folder / "server.log"
        try:
            with running(command, port, self.cores.server, variables, log) as server:
                return self.use(server, workload, options, scale)
        except ServerError as error:
            return {"failed": 1, "failure": str(error)}

    def use(self, server: Server, workload: Workload, options: list[str], scale: Scale) -> Run:
        """Measure a running server."""
        options = [*options, "--session", str(server.pid)]
        wait_for_answer(server.port)
        if workload.mode == "idle":
            return self.client.memory(server, options, settled_memory)
        result = self.client.run(workload.mode, options, scale.seconds + workload.timeout)
        if workload.mode == "churn" and not result["failed"]:
            result |= pauses.pauses(self.pauses, result["from_ns"], result["until_ns"])
        return result


def variables_for(folder: Path) -> dict[str, str]:
    """Return the environment variables of the Django project."""
    return {
        "DJANGO_SETTINGS_MODULE": "benchmarks.project.settings",
        "BENCHMARKS_DATABASE": str(folder / "benchmarks.sqlite3"),
    }


@contextmanager
def bench(cores: Cores) -> Iterator[Bench]:
    """Make the files of the runs, in a temporary folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="c10kws-benchmarks-") as name:
        folder = Path(name)
        compile_programs(folder)
        client = Client(folder / "load", cores.client)
        session = subprocess.run(
            [sys.executable, "-m", "benchmarks.project.prepare"],
            cwd=ROOT,
            env={**os.environ, **variables_for(folder)},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout.strip()
        yield Bench(client, cores, folder, session)


def run_all(
    bench: Bench, workloads: Sequence[Workload], servers: Sequence[str], scale: Scale
) -> Iterator[Run]:
    """Yield each run with its workload, server and round.

    ``servers`` are names; without names, all servers except the extra ones are measured. The
    baseline of a workload is always included. Each round begins with another server, so that no
    server always runs on a warm machine.
    """
    for workload in workloads:
        peers = [
            peer
            for peer in workload.peers()
            if (peer.name in servers if servers else not peer.extra)
            or peer.name == workload.baseline
        ]
        if servers and not any(peer.name in servers for peer in peers):
            continue
        for number in range(min(scale.rounds, workload.most_rounds)):
            first = number % len(peers)
            for peer in [*peers[first:], *peers[:first]]:
                result = bench.measure(workload, peer, scale)
                yield {"workload": workload.name, "server": peer.name, "round": number, **result}
