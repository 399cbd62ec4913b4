"""Pings that keep connections alive and find the dead (RFC 6455 §5.5.2), on one timer for all.

Connections are spread over slots; each tick of the timer visits one slot. So ten thousand
connections cost a few visits a tick, not a timer each, and their Pings do not leave all at once.
"""

from __future__ import annotations

import asyncio
import math
from typing import Protocol

SLOTS = 16
#: Multiplied with addresses, which lie at equal distances: 2**32 by the golden ratio.
SPREAD = 0x9E3779B1
#: A connection is visited so many times in the shorter of interval and timeout.
VISITS = 4


class Visited(Protocol):
    """A connection that a :class:`KeepaliveTimer` visits."""

    def keep_alive(self, ping_after: int, dead_after: int) -> None:
        """Ping when this is the ``ping_after``-th visit since the last Ping.

        Give the peer up when ``dead_after`` visits, if not 0, found a Ping unanswered.
        """


class KeepaliveTimer:
    """The visits of all connections of a loop that have the same interval and timeout."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, interval: float, timeout: float | None
    ) -> None:
        step = min(interval, timeout or interval) / VISITS
        self._ping_after = max(round(interval / step), 1)
        self._dead_after = max(math.ceil(timeout / step), 1) if timeout else 0
        self._tick_time = step / SLOTS
        self._loop = loop
        # Dictionaries, since their entries take less memory than those of sets.
        self._slots: list[dict[Visited, None]] = [{} for _ in range(SLOTS)]
        self._next = 0
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Visited) -> None:
        """Visit a connection from now on."""
        slot = self._slot(connection)
        if connection not in slot:
            slot[connection] = None
            self._count += 1
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick_time, self._tick)

    def remove(self, connection: Visited) -> None:
        """Visit a connection no more."""
        slot = self._slot(connection)
        if connection in slot:
            del slot[connection]
            self._count -= 1
        if not self._count and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _slot(self, connection: Visited) -> dict[Visited, None]:
        return self._slots[((id(connection) >> 4) * SPREAD >> 24) % SLOTS]

    def _tick(self) -> None:
        self._timer = self._loop.call_later(self._tick_time, self._tick)
        self._next = (self._next + 1) % SLOTS
        for connection in list(self._slots[self._next]):
            connection.keep_alive(self._ping_after, self._dead_after)
