"""The Pings of one connection that wait for their Pong (RFC 6455 §5.5.2, §5.5.3)."""

from __future__ import annotations

import asyncio
import os

#: More Pings cannot wait: a peer that answers none must not fill the memory.
MAX_PINGS = 64


class TooManyPings(RuntimeError):
    """Raised when too many Pings wait for their Pong, or to be sent."""

    def __str__(self) -> str:
        return f"Too many unanswered Pings ({MAX_PINGS})."


class Pings:
    """Each Ping carries eight random bytes, its name; a Pong answers it and those before it.

    Truthy while a Ping waits.
    ``answered`` of a Ping gets the seconds until its Pong, or None when the connection ends first.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: list[tuple[bytes, float, asyncio.Future[float | None] | None]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def full(self) -> bool:
        """True when no other Ping can wait."""
        return len(self._waiting) >= MAX_PINGS

    def begin(self, now: float, answered: asyncio.Future[float | None] | None = None) -> bytes:
        """Return the payload of a new Ping."""
        payload = os.urandom(8)
        self._waiting.append((payload, now, answered))
        return payload

    def answer(self, payload: bytes, now: float) -> float | None:
        """Handle a Pong; return the seconds since the Ping that it answers.

        None: it answers nothing, which is a unidirectional heartbeat (§5.5.3).
        """
        names = [name for name, _, _ in self._waiting]
        if payload not in names:
            return None
        count = names.index(payload) + 1
        latency = 0.0
        for _, started, answered in self._waiting[:count]:
            latency = now - started
            if answered is not None and not answered.done():
                answered.set_result(latency)
        del self._waiting[:count]
        return latency

    def end(self) -> None:
        """Answer all waiting Pings with None: no Pong will come."""
        for _, _, answered in self._waiting:
            if answered is not None and not answered.done():
                answered.set_result(None)
        self._waiting.clear()
