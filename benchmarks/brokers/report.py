"""The page with the tables of rooms and prices, in reStructuredText."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from ..results import Spread, spread
from ..tables import between, describe, heading, number, table, wrap
from .sites import LARGE, SMALL

Document = Mapping[str, Any]
Result = Mapping[str, Any]

#: The site, and the broker, that the others are compared with.
BASELINE, CHEAPEST = "channels-redis", "memory"
FULL_HEADS = (
    *("site", "", "deliveries/s", "ratio", "least to most", "CPU µs", "ratio", "Redis"),
    *("clients", "other order"),
)
RATE_HEADS = (
    *("site", "held, 1/s", "ratio", "p50 ms", "p99 ms"),
    *("of ten a second", "p50 ms", "p99 ms", "max ms"),
)
PRICE_HEADS = (
    *("broker", "", "emits/s", "ratio", "least to most", "CPU µs", "ratio", "least to most"),
    *("p50 ms", "p99 ms"),
)


def report(document: Document) -> str:
    """Return the whole report."""
    parts = [heading("Benchmarks of brokers", "="), wrap(document["scale"])]
    parts += [describe({"placing": PLACING, **document["facts"]})]
    if document["rooms"]:
        parts += [heading("One room over two servers", "-"), EXPLANATION]
    for measured in document["rooms"]:
        parts += room_section(measured)
    if document["prices"]:
        parts += [heading("The price of a broker", "-"), PRICES]
    for clients in sorted({run["clients"] for run in document["prices"]}):
        parts += price_section([r for r in document["prices"] if r["clients"] == clients], clients)
    found = list(failures(document))
    if found:
        parts.append("Failures:\n\n" + "\n".join(f"* {each}" for each in found))
    return "\n\n".join(parts) + "\n"


PLACING = "Servers, Redis and clients share all cores."
EXPLANATION = """\
Each site has two servers with two workers each, and one room with all clients of both servers. One
client of each server sends. The sites run side by side, and the rounds alternate between them.
``CPU µs`` is the processor time of servers and broker for one delivery, ``Redis`` the share of
Redis in it, and ``clients`` the processor time of the load client for one delivery. ``other order``
is the share of deliveries that came in another order than at other clients. A rate is held if all
clients get all messages, 99 % of them within a second. ``of ten a second`` is the share of the
deliveries of ten messages a second for ten seconds that had been made five seconds later. The
latencies are those of these deliveries."""
PRICES = """\
One process with one broker. A client sends an event, and a callback emits it to the room of all
clients. ``CPU µs`` is the processor time of the process, the hub and Redis for one event, with its
way in and out. The latencies are those of one event at a time."""


def room_section(measured: Mapping[str, Any]) -> Iterator[str]:
    """Yield the tables of one size."""
    sites = measured["sites"]
    names = [site.name for site in LARGE if site.name in sites]
    yield heading(f"{measured['clients']:,} clients", "~")
    yield table(FULL_HEADS, [full_cells(sites, name) for name in names])
    yield table(RATE_HEADS, [rate_cells(sites, name) for name in names], left=1)


def full_cells(sites: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the row of a site with as many deliveries as possible."""
    runs = sites[name]["full"]
    base = sites[BASELINE]["full"] if BASELINE in sites else []
    rates = [run["throughput"] for run in runs]
    ratios = spread_of(runs, base, "throughput")
    costs = spread_of(runs, base, "cpu_us")
    made = sum(run["all_deliveries"] for run in runs)
    return (
        name,
        title_of(name),
        number(median(rates)),
        *(shown(ratios), between(ratios)),
        *(number(median(run["cpu_us"] for run in runs)), shown(costs)),
        f"{median(run['redis_share'] for run in runs):.0%}",
        number(median(run["client_us"] for run in runs)),
        f"{sum(run['disordered'] for run in runs) / (made or 1):.1%}",
    )


def rate_cells(sites: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the row of a site with a rate."""
    held, chat = sites[name]["held"], sites[name]["chat"]
    base = sites.get(BASELINE, {}).get("held")
    return (
        name,
        number(held["rate"]) if held else "none",
        f"{held['rate'] / base['rate']:.1f}" if held and base else "",
        *(
            milliseconds(held, "p50_us") if held else "",
            milliseconds(held, "p99_us") if held else "",
        ),
        f"{chat['all_deliveries'] / (chat['expected'] or 1):.1%}",
        *(milliseconds(chat, key) for key in ("p50_us", "p99_us", "max_us")),
    )


def price_section(runs: Sequence[Mapping[str, Any]], clients: int) -> Iterator[str]:
    """Yield the table of the brokers with a number of clients."""
    yield heading(f"{clients:,} client{'s' * (clients > 1)} in the room", "~")
    names = {run["broker"] for run in runs}
    sites = [site for site in SMALL if site.name in names]
    yield table(PRICE_HEADS, [price_cells(runs, site.name, site.title) for site in sites])


def price_cells(runs: Sequence[Mapping[str, Any]], name: str, title: str) -> tuple[str, ...]:
    """Return the row of a broker."""
    own = [run["full"] for run in runs if run["broker"] == name]
    clients = runs[0]["clients"]
    base = [run["full"] for run in runs if run["broker"] == CHEAPEST]
    alone = [run["alone"] for run in runs if run["broker"] == name]
    rates, costs = (spread_of(own, base, key) for key in ("throughput", "message_cpu_us"))
    return (
        name,
        title,
        number(median(run["throughput"] / clients for run in own)),
        *(shown(rates), between(rates)),
        number(median(run["message_cpu_us"] for run in own)),
        *(shown(costs), between(costs)),
        *(number(median(run[key] / 1000 for run in alone)) for key in ("p50_us", "p99_us")),
    )


def spread_of(runs: Sequence[Result], base: Sequence[Result], key: str) -> Spread | None:
    """Return the ratios of the rounds."""
    pairs = zip(runs, base, strict=False)
    return spread(run[key] / other[key] for run, other in pairs if other[key])


def failures(document: Document) -> Iterator[str]:
    """Yield a line for each run in which clients failed, or c10kws had another order."""
    for measured in document["rooms"]:
        for name, found in measured["sites"].items():
            for run in (*found["full"], found["chat"]):
                yield from failures_of(run, f"{name}, {measured['clients']} clients")
    for run in document["prices"]:
        yield from failures_of(run["full"], run["broker"])


def failures_of(run: Result, name: str) -> Iterator[str]:
    """Yield what went wrong in a run."""
    if run["failed"]:
        yield f"{name}: {run['failed']} clients failed: {run.get('failure')}"
    if run["disordered"] and not name.startswith("channels"):
        yield f"{name}: {run['disordered']} deliveries came in another order"


def title_of(name: str) -> str:
    """Return the title of a site."""
    return next(site.title for site in LARGE if site.name == name)


def shown(ratios: Spread | None) -> str:
    """Return the median of ratios."""
    return number(ratios.middle) if ratios else ""


def milliseconds(run: Result, key: str) -> str:
    """Return a latency in milliseconds."""
    return number(run[key] / 1000)
