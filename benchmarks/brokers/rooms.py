"""One room over several servers: sites side by side, in rounds that alternate."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .crowd import Crowd, Result, connected
from .sites import RunningSite, Site, running_site

SERVERS = 2
#: Messages a second of a lively chat.
CHAT_RATE = 10.0
#: A rate is held if 99 % of the deliveries take at most this many seconds, and none is missing.
HELD_P99 = 1.0
#: Messages of each server that are in flight when as many as possible are delivered.
INFLIGHT = 2
#: The rates that are tried differ by this factor. The first is that with messages in flight.
FACTOR = 1.25
ATTEMPTS = 10
#: Seconds of the chat, and for the deliveries after its last message.
CHAT_SECONDS = 10.0
CHAT_PATIENCE = 5.0

Say = Callable[[str], object]


@dataclass(frozen=True)
class Tools:
    """The parts of all measurements. ``redis`` is the process and the socket of the server."""

    program: Path
    folder: Path
    redis: tuple[int, Path]
    seconds: float
    rounds: int
    say: Say


def site_at(tools: Tools, site: Site, servers: int) -> AbstractContextManager[RunningSite]:
    """Run a site while the block runs."""
    return running_site(site, servers, tools.redis[1], tools.folder)


def crowd_at(tools: Tools, site: RunningSite, clients: int) -> AbstractContextManager[Crowd]:
    """Hold clients in the room of a site while the block runs."""
    return connected(tools.program, site, tools.redis[0], clients)


def measure_room(tools: Tools, sites: Sequence[Site], clients: int) -> dict[str, Any]:
    """Measure sites with one room of ``clients``; return the results by site."""
    with ExitStack() as stack:
        crowds = []
        for site in sites:
            tools.say(f"{clients} clients connect to {site.title}")
            running = stack.enter_context(site_at(tools, site, SERVERS))
            crowds.append(stack.enter_context(crowd_at(tools, running, clients)))
        full = saturate(tools, crowds)
        found = {}
        for crowd in crowds:
            name = crowd.site.site.name
            held = find_held_rate(tools, crowd, full[name])
            chat = crowd.send(CHAT_SECONDS, rate=CHAT_RATE, patience=CHAT_PATIENCE)
            tools.say(f"{name}: {CHAT_RATE:g} a second, p99 {chat['p99_us'] / 1000:,.0f} ms")
            found[name] = {"full": full[name], "held": held, "chat": chat}
    return {"clients": clients, "sites": found}


def saturate(tools: Tools, crowds: Sequence[Crowd]) -> Mapping[str, list[Result]]:
    """Keep messages in flight, at one site after another; each round begins with another one."""
    results: dict[str, list[Result]] = {crowd.site.site.name: [] for crowd in crowds}
    for number in range(tools.rounds):
        first = number % len(crowds)
        for crowd in [*crowds[first:], *crowds[:first]]:
            result = crowd.send(tools.seconds, inflight=INFLIGHT)
            name = crowd.site.site.name
            results[name].append(result)
            tools.say(
                f"{name}: {result['throughput']:,.0f} deliveries a second, "
                f"{result['cpu_us']:.1f} µs each"
            )
    return results


def find_held_rate(tools: Tools, crowd: Crowd, full: Sequence[Result]) -> Result | None:
    """Return the result of the highest rate that the site holds; None if it holds none of them."""
    rate = max(result["throughput"] for result in full) / crowd.clients
    if not rate or not is_held(crowd.send(tools.seconds, rate=1 / tools.seconds)):
        return None  # one message alone takes too long
    best = try_rate(tools, crowd, rate)
    factor = FACTOR if best else 1 / FACTOR
    for _ in range(ATTEMPTS):
        rate *= factor
        found = try_rate(tools, crowd, rate)
        if (found is None) == (factor > 1):
            return found or best
        best = found or best
    return best


def try_rate(tools: Tools, crowd: Crowd, rate: float) -> Result | None:
    """Send at a rate; return the result if it was held."""
    result = crowd.send(max(tools.seconds, 3 / rate), rate=rate)
    held = is_held(result)
    tools.say(
        f"{crowd.site.site.name}: {rate:.2f} messages a second {'held' if held else 'not held'}, "
        f"p99 {result['p99_us'] / 1000:,.0f} ms"
    )
    return result | {"rate": rate} if held else None


def is_held(result: Result) -> bool:
    """Return True if all clients received all messages in time."""
    return (
        not result["failed"]
        and result["all_deliveries"] == result["expected"]
        and result["p99_us"] <= HELD_P99 * 1e6
    )
