"""Readings of a server's resources, and how fast they grow."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

#: Growth of a worker in a minute that is allowed: allocators and the kernel are not quite steady,
#: and a pool of threads grows up to its limit when more requests than ever come at the same time.
ALLOWED = {"memory": 1.0, "descriptors": 20.0, "threads": 4.0, "clients": 20.0, "queued": 20.0}
#: Numbers that may not differ between two times at which no client is connected.
AT_REST = ("descriptors", "clients", "queued")
#: Memory blocks that may be left of thousands of clients: caches and threads are not quite steady.
#: Each object that the server keeps takes at least one.
BLOCKS = 1000
#: Requests after which each worker must have answered one.
ATTEMPTS = 1000


@dataclass(frozen=True)
class Reading:
    """Resources of a server at one time; memory in MiB."""

    HEADLINE: ClassVar[str] = "MiB    descriptors  threads  clients  queued  blocks"

    memory: float
    descriptors: int
    threads: int
    clients: int
    queued: int
    blocks: int

    def __str__(self) -> str:
        return (
            f"{self.memory:<6.1f} {self.descriptors:<12} {self.threads:<8} {self.clients:<8} "
            f"{self.queued:<7} {self.blocks:<8}"
        )


class Server:
    """A server whose parent process is ``pid``, with a number of workers."""

    def __init__(self, pid: int, port: int, workers: int, tls: ssl.SSLContext | None) -> None:
        self._pid, self._port, self._tls = pid, port, tls
        self.workers = workers

    async def read(self, *, rest: bool = False) -> Reading:
        """Add the numbers of all processes: those of /proc, and those that the workers tell."""
        states = await self._ask("/state/?rest" if rest else "/state/")
        processes = [Path(f"/proc/{pid}") for pid in (self._pid, *states)]
        statuses = [status_of(process) for process in processes]
        return Reading(
            sum(int(status["VmRSS"].split()[0]) for status in statuses) / 1024,
            sum(len(list((process / "fd").iterdir())) for process in processes),
            sum(int(status["Threads"]) for status in statuses),
            *(
                sum(state[name] for state in states.values())
                for name in ("clients", "queued", "blocks")
            ),
        )

    async def _ask(self, path: str) -> dict[int, dict[str, Any]]:
        """Get a page until each worker has sent it. Any worker may accept a connection."""
        states: dict[int, dict[str, Any]] = {}
        for _ in range(ATTEMPTS):
            if state := await self._get(path):
                states[state["pid"]] = state
            if len(states) == self.workers and states.keys() == children_of(self._pid):
                return states
        raise TimeoutError(f"not all workers have answered {ATTEMPTS} requests")

    async def _get(self, path: str) -> dict[str, Any]:
        """Return the numbers of a worker; none if the machine is so busy that it sent a 408."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        response = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        if not response.startswith(b"HTTP/1.1 200 "):
            return {}
        state: dict[str, Any] = json.loads(response.partition(b"\r\n\r\n")[2])
        return state


def children_of(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(each) for each in text.split()}


def status_of(process: Path) -> dict[str, str]:
    """Return the lines of a process's status by their names."""
    lines = (process / "status").read_text().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def slopes_of(readings: Sequence[Reading], interval: float) -> dict[str, float]:
    """Return the growth of each number in a minute, as the least squares give it."""
    middle = (len(readings) - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(len(readings))) or 1.0
    return {
        field.name: sum((n - middle) * getattr(each, field.name) for n, each in enumerate(readings))
        / spread
        * (60 / interval)
        for field in fields(Reading)
    }


def faults_of(
    slopes: Mapping[str, float], before: Reading, after: Reading, *, clients: int, workers: int
) -> Iterator[str]:
    """Yield what grows while clients are connected, and what is left of them when none is."""
    for name, of_one in ALLOWED.items():
        allowed = of_one * workers
        if slopes[name] > allowed:
            yield f"{name}: {slopes[name]:+.2f} a minute; {allowed:g} is allowed"
    for name in AT_REST:
        left = getattr(after, name) - getattr(before, name)
        if left > 0:
            yield f"{name}: {left} are left of {clients} clients"
    blocks = after.blocks - before.blocks
    if blocks > BLOCKS:
        yield f"blocks: {blocks} are left of {clients} clients; {BLOCKS} are allowed"
