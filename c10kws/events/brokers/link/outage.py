"""``Outage``: a time in which a link has no connection."""

from __future__ import annotations

import logging
from time import monotonic

logger = logging.getLogger("c10kws.brokers")

#: Seconds without a connection that are not reported as a problem: events wait in the queue.
PROBLEM_AFTER = 1.0


class Outage:
    """Logs the loss of a connection and its return, and reports a connection that is missing."""

    def __init__(self, alias: str) -> None:
        self._alias = alias
        self._since: float | None = monotonic()
        self._reason = "it has not answered yet"
        self._logged_at: float | None = None

    def begin(self, reason: str, *, needed: bool) -> None:
        """Begin or continue: the connection is lost, or an attempt to connect has failed."""
        self._reason = reason
        if not needed:
            self._since = None
        elif self._logged_at is None:
            self._logged_at = self._since = monotonic()
            logger.warning("No connection to the broker %r: %s. Retrying.", self._alias, reason)

    def need(self) -> None:
        """Begin now: from now on, the connection is needed."""
        self._since = monotonic()

    def end(self) -> None:
        """End: there is a connection."""
        self._since = None
        if self._logged_at is not None:
            seconds = monotonic() - self._logged_at
            logger.warning("Connected to the broker %r after %.1f s.", self._alias, seconds)
            self._logged_at = None

    @property
    def seconds(self) -> float | None:
        """Seconds without a connection, if these are a problem; from any thread."""
        since = self._since
        seconds = 0.0 if since is None else monotonic() - since
        return seconds if seconds >= PROBLEM_AFTER else None

    @property
    def problem(self) -> str | None:
        """A sentence with the reason while there is a problem, otherwise None."""
        seconds = self.seconds
        if seconds is None:
            return None
        return f"No connection to the broker {self._alias!r} for {seconds:.1f} s: {self._reason}."
