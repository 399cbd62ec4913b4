"""Results of the runs: medians, and ratios to the baseline of the same round."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from .workloads import WORKLOADS, Workload

Run = dict[str, Any]


@dataclass(frozen=True)
class Note:
    """A number of a run that is reported below the table when it is not 0."""

    key: str
    text: str
    #: Makes one number of those of all rounds.
    combine: Callable[[Sequence[float]], float] = sum
    divisor: float = 1


NOTES = (
    Note("unclean", "Connections whose Close was not answered"),
    Note("disconnected", "Slow clients that the server disconnected"),
    Note("retries", "Attempts to connect that were repeated"),
    Note("full_collections", "Full garbage collections"),
    Note("opening_pause_us", "Longest while the connections were opened, ms", median, 1000),
)


@dataclass(frozen=True)
class Spread:
    """A median with its minimum and maximum."""

    middle: float
    least: float
    most: float


@dataclass(frozen=True)
class Row:
    """A server in a workload. ``value`` and ``ratio`` are None without a usable run."""

    server: str
    title: str
    value: Spread | None
    #: The ratio to the baseline; above 1 is more, which may be better or worse.
    ratio: Spread | None
    #: Medians of the latencies in milliseconds, None where the workload has none.
    p50: float | None
    p99: float | None
    longest: float | None
    #: The median of the processor time of the server for one unit of work, in microseconds.
    processor: float | None
    #: The largest share of its core that the load client used; near 1 it was the limit.
    client: float
    rounds: int
    failures: tuple[str, ...]
    #: The numbers of NOTES, by their keys.
    notes: Mapping[str, float]


def rows_of(workload: Workload, runs: Iterable[Run]) -> list[Row]:
    """Return the rows of a workload, in the order of the servers' table."""
    own = [run for run in runs if run["workload"] == workload.name]
    base = values(workload, [run for run in own if run["server"] == workload.baseline])
    rows = []
    for peer in workload.peers():
        mine = [run for run in own if run["server"] == peer.name]
        if mine:
            rows.append(row_of(workload, peer.name, peer.title, mine, base))
    return rows


def row_of(
    workload: Workload, name: str, title: str, runs: Sequence[Run], base: dict[int, float]
) -> Row:
    """Return one row; ``base`` is the baseline's value in each round."""
    found = values(workload, runs)
    good = [run for run in runs if usable(workload, run)]
    return Row(
        server=name,
        title=title,
        value=spread(found.values()),
        ratio=spread(found[number] / base[number] for number in found if base.get(number)),
        p50=middle(good, "p50_us", 1000),
        p99=middle(good, "p99_us", 1000),
        longest=middle(good, "max_us", 1000),
        processor=middle(good, "cpu_us"),
        client=max((run.get("client", 0.0) for run in good), default=0.0),
        rounds=len(found),
        failures=tuple(failure(run) for run in runs if not usable(workload, run)),
        notes={note.key: noted(note, good) for note in NOTES},
    )


def usable(workload: Workload, run: Run) -> bool:
    """Return True for a run without a failed connection."""
    return not run["failed"] and run.get(workload.metric.key, 0) > 0


def failure(run: Run) -> str:
    """Return the reason why a run is not usable."""
    reason = run.get("failure", "nothing was measured")
    return f"round {run['round'] + 1}, {run['failed']} failed: {reason}"


def values(workload: Workload, runs: Iterable[Run]) -> dict[int, float]:
    """Return the metric of a workload, in its unit, for each usable round."""
    metric = workload.metric
    return {run["round"]: run[metric.key] / metric.divisor for run in runs if usable(workload, run)}


def spread(numbers: Iterable[float]) -> Spread | None:
    """Return the median, minimum and maximum; None without values."""
    found = sorted(numbers)
    return Spread(median(found), found[0], found[-1]) if found else None


def noted(note: Note, runs: Sequence[Run]) -> float:
    """Return the number of a note, 0 when no run has it."""
    found = [run[note.key] / note.divisor for run in runs if note.key in run]
    return note.combine(found) if found else 0


def middle(runs: Sequence[Run], key: str, divisor: float = 1) -> float | None:
    """Return the median of a number of the runs that have it."""
    found = [run[key] / divisor for run in runs if key in run]
    return median(found) if found else None


def measured(runs: Sequence[Run]) -> list[Workload]:
    """Return the workloads that have runs."""
    names = {run["workload"] for run in runs}
    return [workload for workload in WORKLOADS if workload.name in names]
