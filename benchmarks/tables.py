"""The tables, in reStructuredText that is readable as plain text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .results import NOTES, Row, Run, Spread, measured, rows_of
from .workloads import Workload

HEADS = (
    *("server", "", "median", "ratio", "least to most"),
    *("p50 ms", "p99 ms", "max ms", "CPU µs", "client"),
)
#: A load average above which other programs have affected the results.
NOISE = 0.5
#: The share of a core above which the load client limits a faster server.
BUSY = 0.95


def report(facts: Mapping[str, str], scale: str, runs: Sequence[Run]) -> str:
    """Return the whole report."""
    parts = [heading("Benchmarks", "="), scale, describe(facts), EXPLANATION]
    for workload in measured(runs):
        parts += [heading(workload.title, "-"), *section(workload, rows_of(workload, runs))]
    return "\n\n".join(parts) + "\n"


EXPLANATION = """\
The line above each table names the unit of the median. A ratio is the result of a server divided by
that of the baseline (the row with the ratio 1.00) in the same round. The table shows the median of
these ratios, then the smallest and the largest. p50 and p99 are latencies: 50 % and 99 % of the
answers came within this time, and max is the longest one (medians of all rounds). ``CPU µs`` is the
processor time that the server used for one echo, page or connection. ``client`` is the share of its
core that the load client used, in the round in which it was largest. Near 1.00, the client was the
limit, not the server."""


def describe(facts: Mapping[str, str]) -> str:
    """Return the facts of the machine as sentences."""
    about = ("processor", "cores", "system", "load before", "Python")
    machine = ", ".join(f"{key} {facts[key]}" for key in about)
    others = [key for key in facts if key not in (*about, "placing")]
    versions = ", ".join(f"{key} {facts[key]}" for key in others)
    placed = f"Machine: {machine}. {facts['placing']}"
    if float(facts["load before"]) >= NOISE:
        placed += " Other programs were running at the start, so the results are less reliable."
    return wrap(placed) + "\n\n" + wrap(f"Versions: {versions}.")


def section(workload: Workload, rows: Sequence[Row]) -> list[str]:
    """Return the table of a workload and its failures, if any."""
    better = "more is better" if workload.metric.higher_is_better else "less is better"
    intro = f"``{workload.name}``: {workload.metric.unit}, {better}."
    parts = [intro, table(HEADS, [cells(row) for row in rows])]
    failures = [f"* {row.server}: {reason}" for row in rows for reason in row.failures]
    if failures:
        parts.append("Runs that do not count:\n\n" + "\n".join(failures))
    return [*parts, *notes(rows)]


def notes(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a line for each note that a server has."""
    for note in NOTES:
        found = [
            f"{row.server} {row.notes[note.key]:,.1f}".removesuffix(".0")
            for row in rows
            if row.notes[note.key]
        ]
        if found:
            yield f"{note.text}: {', '.join(found)}."


def cells(row: Row) -> tuple[str, ...]:
    """Return the texts of a row."""
    return (
        row.server,
        row.title,
        number(row.value.middle) if row.value else "failed",
        f"{row.ratio.middle:.2f}" if row.ratio else "",
        between(row.ratio),
        *map(optional, (row.p50, row.p99, row.longest, row.processor)),
        f"{row.client:.2f}{' (!)' if row.client >= BUSY else ''}" if row.client else "",
    )


def between(spread: Spread | None) -> str:
    """Return the extremes."""
    return f"{spread.least:.2f} to {spread.most:.2f}" if spread else ""


def optional(value: float | None) -> str:
    """Return a number, or nothing."""
    return "" if value is None else number(value)


def number(value: float) -> str:
    """Return a number with about three significant digits: 0.123, 12.3, 12,345."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], left: int = 2) -> str:
    """Return a simple table; columns after the first ``left`` ones are aligned to the right.

    Its first column must not be empty in any row (docutils).
    """
    columns = list(zip(heads, *rows, strict=True))
    widths = [max(1, *(len(cell) for cell in column)) for column in columns]
    line = " ".join("=" * width for width in widths)
    texts = [
        " ".join(
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (heads, *rows)
    ]
    return "\n".join([line, texts[0], line, *texts[1:], line])


def heading(text: str, mark: str) -> str:
    """Return an underlined title."""
    return f"{text}\n{mark * len(text)}"


def wrap(text: str) -> str:
    """Return a paragraph with lines of at most 100 characters."""
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) >= 100:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return "\n".join(lines)
