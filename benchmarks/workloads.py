"""The table of workloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .peers import (
    BROADCAST,
    BUSY,
    ECHO,
    HANDSHAKES,
    IDLE,
    LIGHT,
    OPTIMIZATIONS,
    PAGES,
    PEERS,
    Peer,
)


@dataclass(frozen=True)
class Metric:
    """A number of a run: its key in the load client's output, and its unit for the report."""

    key: str
    unit: str
    #: The divisor that converts the number to the unit.
    divisor: float = 1
    higher_is_better: bool = True


RATE = Metric("per_second", "1/s")
P99 = Metric("p99_us", "p99, ms", 1000, higher_is_better=False)
MEMORY = Metric("bytes_each", "KiB", 1024, higher_is_better=False)


@dataclass(frozen=True)
class Workload:
    """One kind of run: the load client's mode and options, and the servers."""

    name: str
    title: str
    #: The capability that a server must have, a constant of ``peers``.
    needs: str
    mode: str
    path: str
    options: tuple[str, ...]
    metric: Metric = RATE
    #: The server to which the others are compared, in the same round.
    baseline: str = "tornado"
    #: True when handshakes and pages have the cookie of a logged-in user.
    user: bool = False
    #: Options for all servers except the baseline, which is measured without them.
    busy_with: tuple[str, ...] = ()
    #: True when the run has ``--seconds`` and ``--warmup``.
    timed: bool = True
    #: The maximum number of rounds; more would add no information.
    most_rounds: int = 1000
    #: True for a workload that is measured only by name, and not in the picture.
    extra: bool = False

    def peers(self) -> Sequence[Peer]:
        """Return the servers of the workload."""
        return [peer for peer in PEERS if self.needs in peer.does]


def echo(size: int, inflight: int) -> Workload:
    """Return echoes on 64 connections, each with ``inflight`` messages in flight."""
    shown = f"{size // 1024} KiB" if size >= 1024 else f"{size} B"
    return Workload(
        name=f"echo-{size}x{inflight}",
        title=f"Echoes of {shown}, 64 connections, {inflight} in flight",
        needs=ECHO,
        mode="echo",
        path="/ws/echo/",
        options=("--connections", "64", "--size", str(size), "--inflight", str(inflight)),
    )


def handshakes(*, user: bool) -> Workload:
    """Return opening and closing of connections, 16 at a time."""
    who = "logged-in user" if user else "anonymous"
    return Workload(
        name="handshakes" if user else "handshakes-anonymous",
        title=f"Connections opened and closed, 16 at a time, {who}",
        needs=HANDSHAKES,
        mode="handshakes",
        path="/ws/echo/",
        options=("--connections", "16"),
        user=user,
    )


def idle(name: str, title: str, needs: str) -> Workload:
    """Return the memory of 10,000 idle connections."""
    return Workload(
        name=name,
        title=f"Memory per connection, 10,000 idle, {title}",
        needs=needs,
        mode="idle",
        path=f"/ws/{name}/",
        options=("--connections", "10000", "--timeout", "300"),  # some open 100 a second
        metric=MEMORY,
        user=True,
        timed=False,
        most_rounds=3,
    )


def pages(*, user: bool) -> Workload:
    """Return pages of Django from a template, through the default middleware."""
    who = "logged-in user" if user else "anonymous"
    return Workload(
        name="pages" if user else "pages-anonymous",
        title=f"Django pages, 32 connections, {who}",
        needs=PAGES,
        mode="pages",
        path="/",
        options=("--connections", "32"),
        baseline="django-tornado",
        user=user,
    )


def echoes_without(size: int, inflight: int) -> Workload:
    """Return the echoes of c10kws with and without each optimization."""
    whole = echo(size, inflight)
    return replace(
        whole,
        name=whole.name.replace("echo", "without"),
        title=f"{whole.title}, without one optimization",
        needs=OPTIMIZATIONS,
        baseline="c10kws",
        extra=True,
    )


CALM = Workload(
    name="calm",
    title="Latency of 64 connections with 20 echoes a second each",
    needs=BUSY,
    mode="echo",
    path="/ws/echo/",
    options=("--connections", "64", "--size", "64", "--rate", "20"),
    metric=P99,
)

WORKLOADS = (
    *(echo(size, inflight) for size in (64, 4096, 65536) for inflight in (8, 1)),
    handshakes(user=True),
    handshakes(user=False),
    idle("idle", "request and user kept", IDLE),
    idle("light", "request freed", LIGHT),
    Workload(
        name="broadcast",
        title="Broadcasts of 64 B to 1,000 connections, messages delivered",
        needs=BROADCAST,
        mode="broadcast",
        path="/ws/broadcast/",
        options=("--connections", "1000", "--size", "64", "--rounds", "1000"),
    ),
    CALM,
    replace(
        CALM,
        name="busy",
        title="Latency while 20 clients load pages of 50 ms (Tornado: no pages)",
        busy_with=("--blocking-pages", "20", "--pages-path", "/slow/"),
    ),
    pages(user=True),
    pages(user=False),
    *(echoes_without(*shape) for shape in ((64, 8), (64, 1), (65536, 8))),
)
