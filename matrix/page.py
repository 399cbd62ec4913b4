"""``docs/explanation/compatibility.rst``; the text around the results is in ``page.rst.txt``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from benchmarks.tables import heading, table, wrap

from .results import Check, Pair, Report, Trial, django_of, has_failed, python_of, works

TEMPLATE = Path(__file__).with_name("page.rst.txt")
HEADS = (
    *("Python", "Django", "More details", "Websocket works?", "Django works?"),
    "So, does it work?",
)
YES, NO, UNTRIED = "✓ Yes", "✗ No", "─ Not tried"


def write(report: Report) -> str:
    """Return the page."""
    rows = [row(pair) for pair in report["pairs"]]
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        about=wrap(about(report)),
        table=table(HEADS, rows, left=len(HEADS)),
        missing=wrap(missing(report)),
        scope=wrap(scope(report)),
        pairs="\n\n".join(block for pair in report["pairs"] for block in section(pair)),
    )


def about(report: Report) -> str:
    """Return the sentences about the pairs that were tried, and those that were not."""
    left_out = report.get("left_out", [])
    if not left_out:
        return f"Tried on {report['date']} by ``make matrix`` on {report['machine']}."
    names = [pair["name"] for pair in report["pairs"]]
    return (
        f"Tried on {report['date']} by ``python3 matrix --pair {' '.join(names)}`` on "
        f"{report['machine']}. **This page is about a subset:** {len(names)} of "
        f"{len(names) + len(left_out)} pairs. Not tried: {', '.join(left_out)}."
    )


def scope(report: Report) -> str:
    """Return the sentences about the pairs of the table and the meaning of its signs."""
    complete = (
        "The table has each pair that Django itself supports (6.0 and 6.1 need Python 3.12). "
    )
    return (
        f"{'' if report.get('left_out') else complete}Each pair is tried twice: with the newest "
        "tornado and wsproto, and with the oldest that c10kws allows. Yes means that all checks "
        "passed both times."
    )


def row(pair: Pair) -> tuple[str, ...]:
    """Return a row of the table. A pair that fails only with the oldest releases fails, too."""
    name = pair["name"]
    first = (python_of(name), django_of(name), f"`{name}`_")
    trials = [trial for trial in (pair["oldest"], pair["newest"]) if trial is not None]
    if not trials:
        return (*first, UNTRIED, UNTRIED, "**─ Not installed**")
    websocket = all(trial["websocket"]["works"] for trial in trials)
    django = all(trial["django"]["works"] for trial in trials)
    return (*first, sign(websocket), sign(django), f"**{sign(not has_failed(pair))}**")


def sign(good: bool) -> str:
    """Return the sign in the table."""
    return YES if good else NO


def missing(report: Report) -> str:
    """Return a sentence about missing interpreters."""
    absent = [python_of(pair["name"]) for pair in report["pairs"] if pair["newest"] is None]
    if not absent:
        return "All of these Python versions were installed."
    return f"Not installed on the machine: {', '.join(dict.fromkeys(absent))}."


def section(pair: Pair) -> Iterator[str]:
    """Yield the blocks of a pair."""
    yield heading(pair["name"], "~")
    oldest, newest = pair["oldest"], pair["newest"]
    if oldest is None or newest is None:
        yield f"{python_of(pair['name'])} was not installed on the machine."
        return
    yield wrap(f"{versions(newest)}. {sentence_about(oldest)}")
    yield heading("Websocket", ".")
    yield log("The communication between the clients and the server", newest["websocket"])
    yield heading("Django", ".")
    yield log("The polls app", newest["django"])
    yield from failures_of_the_oldest(oldest)
    if pair["load"] is not None:
        yield heading("Benchmark", ".")
        yield from benchmark(pair, pair["load"])


def versions(trial: Trial) -> str:
    """Return the releases of an environment."""
    found = trial["versions"]
    return ", ".join(f"{name} {found[name]}" for name in found) or "The environment was not made"


def sentence_about(oldest: Trial) -> str:
    """Return a sentence about the oldest releases that c10kws allows."""
    if not oldest["versions"]:
        return "The environment of the oldest releases was not made."
    found = oldest["versions"]
    how = "pass" if works(oldest) else "do **not** pass"
    return f"The checks {how} with tornado {found['tornado']} and wsproto {found['wsproto']}."


def failures_of_the_oldest(oldest: Trial) -> Iterator[str]:
    """Yield the logs of checks that pass only with the newest releases."""
    for subject, check in (("Websocket", oldest["websocket"]), ("Django", oldest["django"])):
        if not check["works"]:
            yield log(f"With the oldest releases {subject}", check)


def log(subject: str, check: Check) -> str:
    """Return a sentence and the server's lines."""
    said = f"{subject} {'works fine' if check['works'] else 'does **not** work'}::"
    return "\n".join(
        [said, "", *(f"    {line}".rstrip() for line in check["log"] or ["(nothing was logged)"])]
    )


def benchmark(pair: Pair, load: Check) -> Iterator[str]:
    """Yield the picture, or the reason why there is none."""
    if not load["works"]:
        yield log("The load", load)
        return
    name, times = pair["name"], pair["times"]
    yield (
        f".. image:: compatibility/{name}.svg\n"
        f"    :alt: Response times of {python_of(name)} with {django_of(name)}, "
        f"{', '.join(times)}"
    )
    yield wrap(f"Half of the answers came within {medians(times)}.")


def medians(times: Mapping[str, list[float]]) -> str:
    """Return the median of each path's times."""
    return ", ".join(f"{line[len(line) // 2]:g} ms (``{path}``)" for path, line in times.items())
