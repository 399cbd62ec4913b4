"""Readings of a server's resources, and how fast they grow."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import ClassVar

#: Growth in a minute that is allowed: allocators and the kernel are not quite steady.
ALLOWED = {"memory": 1.0, "descriptors": 20.0, "threads": 1.0, "clients": 20.0, "queued": 20.0}
#: Numbers that may be left when the clients have ended. Threads end only with the server.
LEFT = {"descriptors": 4, "clients": 0, "queued": 0}
#: The share of the readings that are left out at the beginning, while caches fill.
WARM_UP = 1 / 3


@dataclass(frozen=True)
class Reading:
    """Resources of a server at one time; memory in MiB."""

    HEADLINE: ClassVar[str] = "MiB    descriptors  threads  clients  queued"

    memory: float
    descriptors: int
    threads: int
    clients: int
    queued: int

    def __str__(self) -> str:
        return (
            f"{self.memory:<6.1f} {self.descriptors:<12} {self.threads:<8} {self.clients:<8} "
            f"{self.queued:<6}"
        )


async def read_server(pid: int, port: int) -> Reading:
    """Read the numbers of the worker of process ``pid`` from /proc, and the others from a page."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /state/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    response = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    state = json.loads(response.partition(b"\r\n\r\n")[2])
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    process = Path(f"/proc/{children[0]}")
    status = dict(
        line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line
    )
    return Reading(
        int(status["VmRSS"].split()[0]) / 1024,
        len(list((process / "fd").iterdir())),
        int(status["Threads"]),
        state["clients"],
        state["queued"],
    )


def slopes_of(readings: Sequence[Reading], interval: float) -> dict[str, float]:
    """Return the growth of each number in a minute, as the least squares give it."""
    used = readings[int(len(readings) * WARM_UP) :]
    middle = (len(used) - 1) / 2
    spread = sum((place - middle) ** 2 for place in range(len(used))) or 1.0
    return {
        field.name: sum((n - middle) * getattr(each, field.name) for n, each in enumerate(used))
        / spread
        * (60 / interval)
        for field in fields(Reading)
    }


def faults_of(slopes: Mapping[str, float], before: Reading, after: Reading) -> Iterator[str]:
    """Yield what grows, and what is left."""
    for name, slope in slopes.items():
        if slope > ALLOWED[name]:
            yield f"{name}: {slope:+.2f} a minute; {ALLOWED[name]:g} is allowed"
    for name, number in LEFT.items():
        left = getattr(after, name) - getattr(before, name)
        if left > number:
            yield f"{name}: {left} more than before the clients connected"
