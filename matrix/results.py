"""Results, in the shape of ``docs/explanation/compatibility/results.json``."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Check(TypedDict):
    """A check in one environment."""

    works: bool
    #: What the server printed; in front of it, when the check failed, why.
    log: list[str]


class Trial(TypedDict):
    """One environment."""

    #: Of Python, Django, tornado and wsproto; empty when the environment could not be made.
    versions: dict[str, str]
    websocket: Check
    django: Check


class Pair(TypedDict):
    """A Python and a Django."""

    #: As in ``py312-django60``.
    name: str
    #: With the oldest and the newest of tornado and wsproto; None without the interpreter.
    oldest: Trial | None
    newest: Trial | None
    #: How the load went, with the newest; None when there was none.
    load: Check | None
    #: Milliseconds by path, 101 of them: from the quickest answer to the slowest.
    times: dict[str, list[float]]


class Report(TypedDict):
    """All of it."""

    #: As in ``2026-11-21``.
    date: str
    machine: str
    pairs: list[Pair]
    #: Names of the pairs that this report leaves out, when it is about a subset.
    left_out: NotRequired[list[str]]


def works(trial: Trial) -> bool:
    """Return True if all checks passed."""
    return trial["websocket"]["works"] and trial["django"]["works"]


def has_failed(pair: Pair) -> bool:
    """Return True if a check was tried and did not pass."""
    trials = [trial for trial in (pair["oldest"], pair["newest"]) if trial is not None]
    loaded = pair["load"] is None or pair["load"]["works"]
    return not (loaded and all(works(trial) for trial in trials))


def python_of(name: str) -> str:
    """Return ``Python 3.12`` of ``py312-django60``."""
    digits = name.partition("-")[0].removeprefix("py")
    return f"Python {digits[0]}.{digits[1:]}"


def django_of(name: str) -> str:
    """Return ``Django 6.0`` of ``py312-django60``."""
    digits = name.partition("-")[2].removeprefix("django")
    return f"Django {digits[0]}.{digits[1:]}"
