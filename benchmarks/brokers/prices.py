"""The price of each broker: events of clients that one process sends to their room."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from .crowd import Crowd
from .rooms import Tools, crowd_at, site_at
from .sites import SMALL

#: Clients of a room, and the messages in flight when as many as possible are sent.
SIZES = ((1, 128), (100, 16))
WARMUP = 0.3


def measure_prices(tools: Tools, seconds: float) -> list[dict[str, Any]]:
    """Measure each broker with rooms of each size, in rounds; return the runs."""
    runs = []
    with ExitStack() as servers:
        sites = [servers.enter_context(site_at(tools, site, 1)) for site in SMALL]
        for clients, inflight in SIZES:
            with ExitStack() as stack:
                crowds = [stack.enter_context(crowd_at(tools, site, clients)) for site in sites]
                for crowd in crowds:
                    crowd.send(WARMUP, inflight=inflight)
                for number in range(tools.rounds):
                    runs += measure_round(tools, crowds, number, seconds, inflight)
    return runs


def measure_round(
    tools: Tools, crowds: Sequence[Crowd], number: int, seconds: float, inflight: int
) -> list[dict[str, Any]]:
    """Measure all brokers once, beginning with another one in each round."""
    runs = []
    first = number % len(crowds)
    for crowd in [*crowds[first:], *crowds[:first]]:
        name = crowd.site.site.name
        full = crowd.send(seconds, inflight=inflight)
        alone = crowd.send(seconds / 2, inflight=1)
        tools.say(
            f"{name}, {crowd.clients} clients: {full['throughput'] / crowd.clients:,.0f} emits a "
            f"second, {full['message_cpu_us']:.0f} µs each, {alone['p50_us']:,.0f} µs alone"
        )
        runs.append(
            {
                "broker": name,
                "clients": crowd.clients,
                "round": number,
                "full": full,
                "alone": alone,
            }
        )
    return runs
