"""The table of the documentation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.faults.client import ROOMS
from tests.faults.scenarios import (
    NETWORK_SCENARIOS,
    PROCESS_SCENARIOS,
    REDIS_SCENARIOS,
    REFUSING_SCENARIOS,
    Scenario,
)
from tests.faults.verdict import Verdict

PARTS = {
    "Redis fails": REDIS_SCENARIOS,
    "Redis refuses": REFUSING_SCENARIOS,
    "A process dies or stops": PROCESS_SCENARIOS,
    "The network between one server and Redis fails": NETWORK_SCENARIOS,
}
HEADS = (
    *("fault", "room", "sent", "failed", "unknown", "missed"),
    *("silent", "twice", "order", "resets", "late", "back"),
)
#: Columns of text.
LEFT = 2

#: The verdicts on the rooms, by the names of scenarios.
Results = Mapping[str, Mapping[str, Verdict]]


def report(results: Results, machine: Mapping[str, str]) -> str:
    """Return the tables, as reStructuredText that another page includes."""
    about = ("processor", "cores", "system", "load before", "Python")
    described = ", ".join(f"{key} {machine[key]}" for key in about)
    parts = [f".. Written by make faults.\n\nMachine: {described}."]
    for title, scenarios in PARTS.items():
        rows = [
            row
            for name, scenario in scenarios.items()
            if name in results
            for row in rows_of(scenario, results[name])
        ]
        if rows:
            parts.append(f"{title}\n{'~' * len(title)}\n\n{table(rows)}")
    return "\n\n".join(parts) + "\n"


def rows_of(scenario: Scenario, verdicts: Mapping[str, Verdict]) -> Iterator[tuple[str, ...]]:
    """Yield a row for each room."""
    for room in ROOMS:
        each = verdicts[room]
        counts = (
            *(each.sent, each.failed, each.unknown, each.missed),
            *(each.unannounced, each.twice, each.disordered, each.resets, each.late),
        )
        title = scenario.title if room == ROOMS[0] else "\\"
        yield title, room, *map(str, counts), f"{each.seconds:.2f} s"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return a simple table. Numbers are aligned to the right."""
    columns = list(zip(HEADS, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    line = " ".join("=" * width for width in widths)
    texts = [
        " ".join(
            cell.ljust(width) if place < LEFT else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (HEADS, *rows)
    ]
    return "\n".join([line, texts[0], line, *texts[1:], line])
