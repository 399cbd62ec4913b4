"""Clients that read slowly, on one event loop, and the choice of those to close."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from ..protocol.closing import CloseCode
from .total_queue import total_queue

logger = logging.getLogger("c10kws")

#: Seconds between two lines about slow clients: thousands may be closed at once.
LOG_INTERVAL = 1.0


class Queued(Protocol):
    """A connection with something queued."""

    @property
    def closed(self) -> bool:
        """True when the connection is already ending."""

    @property
    def queued(self) -> int:
        """Bytes queued for its client."""

    def describe(self) -> dict[str, object]:
        """Return its path and other facts, as fields of a log record."""

    def give_up(self, *, abort: bool) -> None:
        """Close the connection and drop what is queued; ``abort`` frees unsent data, too."""


class SlowClients:
    """The connections of a loop that have something queued. Closes and logs slow clients."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._connections: set[Queued] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._unlogged = 0
        #: Number of clients that were closed, until now.
        self.closed = 0

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Queued) -> None:
        """Remember a connection; from any thread, holding the outboxes' lock."""
        self._connections.add(connection)

    def discard(self, connection: Queued) -> None:
        """Forget a connection with empty queues, holding the outboxes' lock."""
        self._connections.discard(connection)

    def relieve(self, limit: int) -> None:
        """Close the connections with the longest queues when all queues exceed ``limit``.

        Connections that are closing already end first. An eighth of the limit becomes free, so
        that the next message fits.
        """
        if total_queue.size <= limit:
            return
        goal = limit - limit // 8
        for connection in sorted(self._connections.copy(), key=_worth):
            if total_queue.size <= goal:
                return
            if not connection.closed:
                message = "Closing slow client on %s: more than %d bytes queued for all clients."
                self._log(connection, message, limit)
            connection.give_up(abort=True)

    def close(self, connection: Queued, limit: int) -> None:
        """Close a connection whose own queue exceeds ``limit``, unless it is closing already."""
        if not connection.closed:
            self._log(connection, "Closing slow client on %s: more than %d bytes queued.", limit)
            connection.give_up(abort=False)

    def _log(self, connection: Queued, message: str, limit: int) -> None:
        """Log the first closed client at once, then the number of others once in LOG_INTERVAL.

        The message gets the path and the limit.
        """
        self.closed += 1
        if self._timer is not None:
            self._unlogged += 1
            return
        fields = connection.describe()
        extra = fields | {"close_code": CloseCode.TRY_AGAIN_LATER.value}
        logger.warning(message, fields["path"], limit, extra=extra)
        self._timer = self._loop.call_later(LOG_INTERVAL, self._log_more)

    def _log_more(self) -> None:
        self._timer = None
        count, self._unlogged = self._unlogged, 0
        if count:
            logger.warning("Closed %d more slow clients.", count)
            self._timer = self._loop.call_later(LOG_INTERVAL, self._log_more)


def _worth(connection: Queued) -> tuple[bool, int]:
    return not connection.closed, -connection.queued
