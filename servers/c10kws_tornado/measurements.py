"""Measurements of a server: ``c10kws.measure`` of the contract."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .pool import Pool


@dataclass(frozen=True, slots=True)
class Measurements:
    """Numbers of one server at one moment.

    ``loop_lag`` is the number of seconds after which the event loop last answered, or None.
    ``slow_clients`` counts the clients that were disconnected because they read a response too
    slowly. ``pools`` has the numbers of each pool of threads, by its name.
    """

    connections: int
    requests: int
    slow_clients: int
    loop_lag: float | None
    pools: Mapping[str, Mapping[str, float]]


def measure_pools(pool: Pool) -> dict[str, dict[str, float]]:
    """Return the numbers of a pool and of its siblings, by name; from any thread."""
    return {
        each.name: {
            "threads": each.size,
            "busy": each.busy,
            "queued": each.queued,
            "refused": each.refused,
            "jobs": each.jobs,
            "waited": each.waited,
        }
        for each in (pool, *pool.siblings)
    }
