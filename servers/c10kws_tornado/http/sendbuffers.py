"""The unsent data of all responses of one server, and its limit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from ..safelogger import get_logger

logger = get_logger("c10kws_tornado")


class UnsentResponse(Protocol):
    """A response with data that its client has not read."""

    @property
    def held(self) -> int:
        """Bytes in memory."""

    @property
    def seconds_left(self) -> float:
        """Seconds that the client needs for the data in memory, at its latest rate."""

    def disconnect(self, reason: str) -> None:
        """Disconnect the client."""


class SendBuffers:
    """The unsent responses of one server; used on its loop.

    When they hold more than ``limit`` bytes, the clients that would take the longest to read their
    data are disconnected. The largest response does not count, so that one of any size can be sent.
    """

    def __init__(self, limit: int, log_later: Callable[[Callable[[], None]], None]) -> None:
        self.size = 0
        self._limit = limit
        self._log_later = log_later
        self._unsent: set[UnsentResponse] = set()

    @property
    def half_full(self) -> bool:
        """True when half of the limit is used up."""
        return self.size > self._limit // 2

    def change(self, response: UnsentResponse, size: int) -> None:
        """Add ``size`` to the byte count of a response."""
        self.size += size
        if response.held:
            self._unsent.add(response)
        else:
            self._unsent.discard(response)
        if size > 0 and self.size > self._limit:
            self._relieve()

    def _relieve(self) -> None:
        """Free an eighth of the limit, so that the next response has room."""
        largest = max(response.held for response in self._unsent)
        if self.size - largest <= self._limit:
            return
        goal = self._limit - self._limit // 8 + largest
        count = 0
        reason = f"the unsent responses of all clients exceeded {self._limit} bytes"
        for response in sorted(self._unsent, key=lambda each: -each.seconds_left):
            if self.size <= goal:
                break
            response.disconnect(reason)
            count += 1
        text = "Closed %d slow clients: the unsent responses of all clients exceeded %d bytes."
        self._log_later(partial(logger.warning, text, count, self._limit))
