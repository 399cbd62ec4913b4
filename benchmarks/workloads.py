"""The table of workloads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .peers import (
    BROADCAST,
    BUSY,
    ECHO,
    EVENTS,
    HANDSHAKES,
    IDLE,
    LIGHT,
    LOGINS,
    OPTIMIZATIONS,
    PAGES,
    PAUSES,
    PEERS,
    RECONNECTS,
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
PER_CPU_SECOND = Metric("per_cpu_second", "per second of the server's processor time")
SECONDS = Metric("seconds", "seconds until all are back", higher_is_better=False)
PAUSE = Metric("longest_pause_us", "longest pause, ms", 1000, higher_is_better=False)


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
    #: Seconds that opening all connections may take.
    timeout: int = 60
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
        needs=LOGINS if user else HANDSHAKES,
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
        options=("--connections", "10000"),
        metric=MEMORY,
        user=True,
        timed=False,
        timeout=300,  # some open 100 a second
        most_rounds=3,
    )


def events(inflight: int) -> Workload:
    """Return echoes of an event with a text of 64 B, on 64 connections."""
    return Workload(
        name=f"events-64x{inflight}",
        title=f"Echoes of events with a text of 64 B, 64 connections, {inflight} in flight",
        needs=EVENTS,
        mode="events",
        path="/ws/events/",
        options=("--connections", "64", "--size", "64", "--inflight", str(inflight)),
        metric=PER_CPU_SECOND,
        baseline="channels-uvicorn",
    )


def tiny(connections: int) -> Workload:
    """Return pages of one line, through the default middleware."""
    return Workload(
        name=f"tiny-{connections}",
        title=f"Django pages of one line, {connections} connections, anonymous",
        needs=PAGES,
        mode="pages",
        path="/tiny/",
        options=("--connections", str(connections)),
        baseline="django-gunicorn",
    )


def pages(*, user: bool) -> Workload:
    """Return pages of Django from a template, through the default middleware."""
    who = "logged-in user" if user else "anonymous"
    return Workload(
        name="pages" if user else "pages-anonymous",
        title=f"Django pages from a template, 32 connections, {who}",
        needs=PAGES,
        mode="pages",
        path="/",
        options=("--connections", "32"),
        baseline="django-gunicorn",
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

BROADCASTS = Workload(
    name="broadcast",
    title="Broadcasts of 64 B to 1,000 connections, messages delivered",
    needs=BROADCAST,
    mode="broadcast",
    path="/ws/broadcast/",
    options=("--connections", "1000", "--size", "64", "--rounds", "1000"),
)

WORKLOADS = (
    *(echo(size, inflight) for size in (64, 4096, 65536) for inflight in (8, 1)),
    echo(65536, 4),
    *(events(inflight) for inflight in (8, 1)),
    handshakes(user=True),
    handshakes(user=False),
    idle("idle", "request and user kept", IDLE),
    idle("light", "request freed", LIGHT),
    Workload(
        name="reconnects",
        title="10,000 browsers of logged-in users reconnect at once, time until all are back",
        needs=RECONNECTS,
        mode="reconnects",
        path="/ws/idle/",
        options=("--connections", "10000"),
        metric=SECONDS,
        user=True,
        timed=False,
        timeout=300,
        most_rounds=3,
    ),
    Workload(
        name="pauses",
        title="Longest garbage collection, 10,000 idle connections while others come and go",
        needs=PAUSES,
        mode="churn",
        path="/ws/echo/",
        options=(
            *("--connections", "10000", "--visitors", "500", "--visits", "10000"),
            *("--pace", "4", "--seconds", "30", "--warmup", "0", "--rate", "50", "--size", "64"),
        ),
        metric=PAUSE,
        user=True,
        timed=False,
        timeout=300,
        most_rounds=3,
    ),
    BROADCASTS,
    replace(
        BROADCASTS,
        name="slow-readers",
        title="Broadcasts of 4 KiB to 1,000 connections, 100 of which read slowly, "
        "messages delivered to the others",
        options=(
            *("--connections", "1000", "--slow", "100", "--size", "4096"),
            *("--rounds", "1000000"),
        ),
    ),
    CALM,
    replace(
        CALM,
        name="busy",
        title="Latency while 20 clients load pages of 50 ms (Tornado: no pages)",
        busy_with=("--blocking-pages", "20", "--pages-path", "/slow/"),
    ),
    *(tiny(connections) for connections in (32, 4)),
    pages(user=True),
    pages(user=False),
    *(echoes_without(*shape) for shape in ((64, 8), (64, 1), (65536, 8))),
)
