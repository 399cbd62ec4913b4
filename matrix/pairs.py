"""The pairs of a Python and a Django, each tried with the oldest and the newest releases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .demo import Demo
from .environments import Environment
from .results import Pair, Trial, django_of, python_of, works
from .trial import broken, try_demo, try_load


def group(made: Sequence[Environment]) -> list[tuple[Environment, Environment]]:
    """Return the environments of each pair, the oldest and the newest."""
    by_name = {each.name: each for each in made}
    pairs = dict.fromkeys(each.name.rpartition("-")[0] for each in made)
    return [(by_name[f"{pair}-oldest"], by_name[f"{pair}-newest"]) for pair in pairs]


def try_pair(pair: tuple[Environment, Environment], scratch: Path) -> Pair:
    """Make all checks of a pair, and the load if the newest works; print and return the result."""
    oldest, newest = pair
    name = newest.name.rpartition("-")[0]
    tried: Pair = {
        "name": name,
        "oldest": try_environment(oldest, scratch),
        "newest": try_environment(newest, scratch),
        "load": None,
        "times": {},
    }
    if tried["newest"] is not None and works(tried["newest"]):
        tried["load"], tried["times"] = try_load(demo_of(newest, scratch))
    print(f"{name}: {summary(tried)}", flush=True)
    return tried


def try_environment(made: Environment, scratch: Path) -> Trial | None:
    """Return the trial of an environment; None without its Python."""
    if made.outcome == "SKIP":
        return None
    if made.outcome != "OK":
        return broken(made.log)
    (scratch / made.name).mkdir()
    pair = made.name.rpartition("-")[0]
    subject = f"Test for {python_of(pair)} and {django_of(pair)}"
    return try_demo(demo_of(made, scratch), subject)


def demo_of(made: Environment, scratch: Path) -> Demo:
    """Return the demo of an environment, in a folder that is kept after the check."""
    return Demo(made.python, scratch / made.name)


def summary(pair: Pair) -> str:
    """Return a line for the terminal."""
    if pair["newest"] is None or pair["oldest"] is None:
        return "not on this machine"
    words = [
        f"{age} {'works' if works(trial) else 'FAILED'}"
        for age, trial in (("oldest", pair["oldest"]), ("newest", pair["newest"]))
    ]
    if pair["load"] is not None:
        words.append(f"load {'works' if pair['load']['works'] else 'FAILED'}")
    return ", ".join(words)
