"""A run of the suite against our server, and the verdict."""

from __future__ import annotations

import textwrap
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conformance import autobahn, testee
from tests.conformance.autobahn import Result

#: Cases without a right answer: the suite only reports what it has seen.
INFORMATIONAL = frozenset({"7.1.6", "7.13.1", "7.13.2"})
#: Clients side by side. More do not end sooner on two cores, and the suite's own clocks tick.
CLIENTS = 2


@dataclass(frozen=True)
class Selection:
    """Groups of cases that are run together."""

    groups: frozenset[int]
    #: How many cases they have in the release that the lock names: fewer would be a silent gap.
    size: int
    #: Seconds after which something hangs, on a slow machine too.
    timeout: float


SELECTIONS = {
    "all": Selection(frozenset({*range(1, 8), 9, 10, 12, 13}), 517, timeout=3600),
    # All but limits and performance (9) and compression (12, 13), which take most of the time.
    "fast": Selection(frozenset({*range(1, 8), 10}), 247, timeout=600),
}


@dataclass(frozen=True)
class Verdict:
    """What came of a run; it has passed when there are no problems."""

    #: For the eye, in lines.
    summary: str
    #: What is not as it must be, each in a sentence.
    problems: Sequence[str]


def try_server(python: Path, selection: Selection, folder: Path, *, lane: bool) -> Verdict:
    """Run cases against our server; reports and logs go into ``folder``, which is empty.

    ``python`` is that of the suite's environment. ``lane=False`` leaves every frame to wsproto.
    Raises ``Failed`` when there is nothing to judge.
    """
    began = time.monotonic()
    log = folder / "server.txt"
    cases = [
        case for case in autobahn.list_cases(python) if int(case.split(".")[0]) in selection.groups
    ]
    with testee.serve(log, lane=lane) as url:
        results = autobahn.fuzz(
            python, url, cases, folder, clients=CLIENTS, timeout=selection.timeout
        )
        late = [result.case for result in results if ended_late(result)]
        if late:
            repeated = folder / "repeated"
            repeated.mkdir()
            results = [result for result in results if result.case not in late]
            results += autobahn.fuzz(
                python, url, late, repeated, clients=1, timeout=selection.timeout
            )
    problems = [
        *missing(cases, results, selection.size),
        *failures(results),
        *errors_of_the_server(log),
    ]
    title = f"{len(results)} cases in {time.monotonic() - began:.0f} s, fast lane "
    title += "on" if lane else "off"
    title += f", repeated: {join(late)}" if late else ""
    summary = "\n".join([title, *counts(results), *problems])
    return Verdict(summary, problems)


def has_passed(result: Result) -> bool:
    """Return True when the messages of a case and its end were as the RFC demands."""
    allowed = {"OK", "INFORMATIONAL"} if result.case in INFORMATIONAL else {"OK"}
    return {result.behavior, result.behavior_close} <= allowed


def ended_late(result: Result) -> bool:
    """Return True when everything but the end of TCP was right.

    The suite waits one second for it, which a busy machine may miss; so the case is repeated.
    """
    return result.behavior == "OK" and result.behavior_close == "FAILED BY CLIENT"


def missing(cases: Sequence[str], results: Iterable[Result], size: int) -> Iterable[str]:
    """Yield a sentence when cases are not there, or have no result."""
    if len(cases) != size:
        yield f"The suite has {len(cases)} cases of these groups, expected {size}."
    if lost := set(cases) - {result.case for result in results}:
        yield f"Without a result: {join(lost)}"


def failures(results: Iterable[Result]) -> Iterable[str]:
    """Yield a sentence for all cases that went wrong in the same way."""
    alike = defaultdict(list)
    for result in results:
        if not has_passed(result):
            way = (
                f"{result.behavior}: {result.result} Close: {result.behavior_close}, "
                f"code {result.close_code}: {result.result_close}"
            )
            alike[way].append(result.case)
    for way, cases in sorted(alike.items()):
        yield textwrap.fill(f"{way} ({len(cases)}) {join(cases)}", 100, subsequent_indent="    ")


def errors_of_the_server(log: Path) -> Iterable[str]:
    """Yield a sentence when the server has logged an exception."""
    text = log.read_text(encoding="utf-8", errors="replace")
    if (number := text.count("Traceback (most recent call last)")) > 0:
        first = text[text.index("Traceback") :].splitlines()[:30]
        yield f"The server has logged {number} exceptions; the first:\n" + "\n".join(first)


def counts(results: Sequence[Result]) -> Iterable[str]:
    """Yield a line for the messages and one for the ends: how many went how."""
    for name, values in (
        ("behavior", Counter(result.behavior for result in results)),
        ("behaviorClose", Counter(result.behavior_close for result in results)),
    ):
        numbers = ", ".join(f"{number} {value}" for value, number in values.most_common())
        yield f"{name + ':':15}{numbers or 'none'}"


def join(cases: Iterable[str]) -> str:
    """Return the numbers of cases in their order."""
    return " ".join(sorted(cases, key=lambda case: [int(part) for part in case.split(".")]))
