"""``Keepalive``: the Pings of one connection, and whether its peer is alive (RFC 6455 §5.5.2)."""

from __future__ import annotations

import asyncio
import sys
from enum import Enum

from .pings import Pings


class Verdict(Enum):
    """Consequence of a visit of the :mod:`~c10kws.connection.keepalive_timer`."""

    WAIT = "wait"
    PING = "ping"
    DEAD = "dead"


class Keepalive:
    """Counts visits since the last Ping, and those since a Ping without a byte from the peer.

    ``latency`` is the number of seconds from the last answered Ping to its Pong; None before the
    first. The timeout is suspended while reading is paused or while data queued before the Ping is
    still draining. Any received byte counts as a sign of life: the connection sets ``heard``.
    """

    __slots__ = (
        "_pings",
        "_since_ping",
        "_unanswered",
        "_unsent_before",
        "heard",
        "latency",
    )

    def __init__(self) -> None:
        self.heard = False
        self.latency: float | None = None
        self._pings: Pings | None = None  # while one waits for its Pong
        self._since_ping = 0
        self._unanswered: int | None = None  # None: no Ping since the peer was heard
        self._unsent_before = 0

    def visit(self, ping_after: int, dead_after: int, *, unsent: int, reads: bool) -> Verdict:
        """Return the consequence of a visit.

        ``unsent`` is the number of bytes that wait to be sent, ``reads`` is False while reading is
        paused. After ``dead_after`` visits, if not 0, with an unanswered Ping the peer is dead; the
        ``ping_after``-th visit since the last Ping sends another.
        """
        before, self._unsent_before = self._unsent_before, unsent
        if self.heard:
            self.heard = False
            self._unanswered = None
        elif self._unanswered is not None and reads and unsent >= before:
            self._unanswered += 1
            if dead_after and self._unanswered >= dead_after:
                return Verdict.DEAD
        self._since_ping += 1
        if self._since_ping < ping_after:
            return Verdict.WAIT
        self._since_ping = 0
        self._unanswered = self._unanswered or 0
        return Verdict.WAIT if self.full else Verdict.PING

    def progressed(self) -> None:
        """Do not count the next visit: the client reads, so a Ping after the data is not late."""
        self._unsent_before = sys.maxsize

    # Pings

    @property
    def full(self) -> bool:
        """True when no other Ping can wait."""
        return self._pings is not None and self._pings.full

    def begin(self, now: float, answered: asyncio.Future[float | None] | None) -> bytes:
        """Return the payload of a new Ping; see :class:`~c10kws.connection.pings.Pings`."""
        self._pings = self._pings or Pings()
        return self._pings.begin(now, answered)

    def answer(self, payload: bytes, now: float) -> None:
        """Handle a Pong."""
        if self._pings is None:
            return
        latency = self._pings.answer(payload, now)
        if latency is not None:
            self.latency = latency
        if not self._pings:
            self._pings = None

    def end(self) -> None:
        """End the wait of the tasks that await a Pong, since none will come."""
        if self._pings is not None:
            self._pings.end()
