"""The responses that wait for their clients, and the bound of all their bytes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from .logs import get_logger

logger = get_logger("c10kws_tornado")


class Waiting(Protocol):
    """A response of which something waits for its client."""

    @property
    def held(self) -> int:
        """Bytes in memory."""

    @property
    def seconds_left(self) -> float:
        """Time that the client will take for what waits, at its rate so far."""

    def cut(self, reason: str) -> None:
        """Disconnect the client."""


class Backlog:
    """The waiting responses of one server, on its loop.

    When they hold more than ``limit`` bytes, the clients that would take the longest for what waits
    for them are disconnected. The longest body does not count, so that one of any size is sent.
    """

    def __init__(self, limit: int, log_later: Callable[[Callable[[], None]], None]) -> None:
        self.size = 0
        self._limit = limit
        self._log_later = log_later
        self._waiting: set[Waiting] = set()

    @property
    def is_long(self) -> bool:
        """True when half of the limit is used up."""
        return self.size > self._limit // 2

    def change(self, response: Waiting, size: int) -> None:
        """Add to the bytes of a response, or take some away."""
        self.size += size
        if response.held:
            self._waiting.add(response)
        else:
            self._waiting.discard(response)
        if size > 0 and self.size > self._limit:
            self._relieve()

    def _relieve(self) -> None:
        """Free an eighth, so that the next response does not find the memory full again."""
        longest = max(response.held for response in self._waiting)
        if self.size - longest <= self._limit:
            return
        goal = self._limit - self._limit // 8 + longest
        count = 0
        reason = f"the responses that waited held over {self._limit} bytes"
        for response in sorted(self._waiting, key=lambda each: -each.seconds_left):
            if self.size <= goal:
                break
            response.cut(reason)
            count += 1
        text = (
            "Closed %d slow clients: the responses that waited for all clients held over %d bytes."
        )
        self._log_later(partial(logger.warning, text, count, self._limit))
