"""``BrokersCheck``: the brokers of this process, for the health check with ``?ready``."""

from __future__ import annotations

from .registry import brokers


class BrokersCheck:
    """Reports lost connections to brokers. It needs no thread: the brokers know their state."""

    name = "broker"

    def find_problem(self) -> str | None:
        """Return the outages of the brokers that are in use, without their reasons; or None."""
        outages = [(broker.alias, broker.outage) for broker in brokers.in_use]
        sentences = [
            f"No connection to the broker {alias!r} for {seconds:.1f} s."
            for alias, seconds in outages
            if seconds is not None
        ]
        return " ".join(sentences) or None
