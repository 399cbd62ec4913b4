"""``BrokersCheck``: the brokers of this process, for the health check with ``?ready``."""

from __future__ import annotations

from .registry import brokers


class BrokersCheck:
    """Reports lost connections to brokers. It needs no thread: the brokers know their state."""

    name = "broker"

    def find_problem(self) -> str | None:
        """Return the problems of the brokers that are in use; None if there are none."""
        return " ".join(brokers.problems) or None
