"""Results, in the shape of ``docs/explanation/compatibility/results.json``."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Check(TypedDict):
    """A check in one environment."""

    works: bool
    #: The server's output, after the reason if the check failed.
    log: list[str]


class Trial(TypedDict):
    """One environment."""

    #: The versions of Python, Django, tornado and wsproto; empty without an environment.
    versions: dict[str, str]
    websocket: Check
    django: Check


class Pair(TypedDict):
    """A Python and a Django."""

    #: Such as ``py312-django60``.
    name: str
    #: With the oldest and the newest of tornado and wsproto; None without the interpreter.
    oldest: Trial | None
    newest: Trial | None
    #: The result of the load with the newest releases; None without one.
    load: Check | None
    #: 101 milliseconds for each path, from the fastest response to the slowest.
    times: dict[str, list[float]]


class Report(TypedDict):
    """The results of all pairs."""

    #: Such as ``2026-11-21``.
    date: str
    machine: str
    pairs: list[Pair]
    #: Names of the pairs that are missing in a report about a subset.
    left_out: NotRequired[list[str]]


def works(trial: Trial) -> bool:
    """Return True if all checks passed."""
    return trial["websocket"]["works"] and trial["django"]["works"]


def has_failed(pair: Pair) -> bool:
    """Return True if a check was made and failed."""
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
