"""Summary of a run, as lines of text."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

from .phases import Outcome
from .tally import percentile

#: Number of reasons that are listed.
SHOWN = 20
PERCENTS = {"p50": 50, "p90": 90, "p99": 99, "max": 100}


def lines(outcome: Outcome) -> Iterator[str]:
    """Yield the lines."""
    tally = outcome.tally
    yield ""
    yield row("connected", f"{tally.connected:,} of {outcome.plan.clients:,}{pace(outcome)}")
    yield row("finished", f"{tally.finished:,}, in {outcome.plan.rounds} rounds")
    yield row("failed", f"{tally.failed:,}")
    reasons = tally.failures.most_common()
    for reason, count in reasons[:SHOWN]:
        yield f"{count:>14,}  {reason}"
    if len(reasons) > SHOWN:
        yield f"{sum(count for _, count in reasons[SHOWN:]):>14,}  and other reasons"
    yield row("handshake", latencies(tally.handshakes))
    yield row("echo", latencies(tally.echoes))
    yield row("server memory", memory(outcome))


def row(name: str, text: str) -> str:
    """Return a line of the table."""
    return f"{name:<14}  {text}"


def pace(outcome: Outcome) -> str:
    """Return the time that the clients took to connect."""
    seconds = outcome.connecting
    if not seconds:
        return ""
    return f" in {seconds:,.1f} s, {outcome.tally.connected / seconds:,.0f} a second"


def latencies(values: array[float]) -> str:
    """Return the percentiles of times."""
    if not values:
        return "none"
    ordered = sorted(values)
    shown = (
        f"{name} {percentile(ordered, percent) * 1000:,.1f}" for name, percent in PERCENTS.items()
    )
    return f"{', '.join(shown)} ms, of {len(ordered):,}"


def memory(outcome: Outcome) -> str:
    """Return the server's memory for each connection, or why it is unknown."""
    growth, connected = outcome.growth, outcome.tally.connected
    if isinstance(growth, str):
        return f"unknown: {growth}"
    if not connected:
        return "unknown: no client has connected"
    numbers = ", ".join(map(str, sorted(growth.processes)))
    return (
        f"{(growth.now - growth.before) / connected / 1024:.1f} KiB a connection: "
        f"{mebibytes(growth.before)} before, {mebibytes(growth.now)} with all (PSS of {numbers}, "
        "which should be freshly started; without the memory of the kernel)"
    )


def mebibytes(size: int) -> str:
    """Return a size in MiB."""
    return f"{size / 2**20:,.1f} MiB"
