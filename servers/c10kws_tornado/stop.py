"""The stop of a server, as its callbacks see it: a close code, a deadline and a pace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TypeVar

#: Clients that are asked to disconnect in one turn of the loop if there is no need for a pace.
BATCH = 64
#: Seconds that a program takes to start again, as an estimate for its clients.
RESTART_TIME = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stop:
    """The argument of an ``on_stop`` callback.

    ``code`` is a WebSocket close code: 1012 if another server is expected to take over, otherwise
    1001. ``deadline`` is in the loop's time. At most ``rate`` clients per second are asked to
    disconnect, unless half of the time until the deadline is too short for that. If
    ``successor_waits``, the next server can serve only when this one has ended; its clients should
    disconnect at once, and reconnect at that pace.
    """

    code: int
    deadline: float
    rate: float
    successor_waits: bool = False

    @property
    def seconds_left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.deadline - asyncio.get_running_loop().time()

    async def spread(self, clients: Iterable[T]) -> AsyncIterator[tuple[T, float]]:
        """Yield the clients in random order and at the pace of the stop, each with a delay.

        The delay is the number of seconds after which the client may reconnect.
        """
        waiting = list(clients)
        random.shuffle(waiting)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        pause = self._pause_between(len(waiting))
        for position, client in enumerate(waiting):
            if self.successor_waits:
                yield client, round(RESTART_TIME + position * pause, 3)
                if position % BATCH == BATCH - 1:
                    await asyncio.sleep(0)
            else:
                left = begin + position * pause - loop.time()
                if left > 0:
                    await asyncio.sleep(left)
                yield client, 0.0

    def _pause_between(self, count: int) -> float:
        """Return the pause between two of ``count`` clients."""
        return min(1 / self.rate, max(self.seconds_left, 0) / 2 / max(count, 1))
