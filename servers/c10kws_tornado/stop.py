"""The stop of a server, as its callbacks see it: a close code, a deadline and a pace."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TypeVar

#: Clients that are asked to disconnect in one turn of the loop if they leave without a pace.
BATCH = 64
#: Seconds that a successor takes to start, as an estimate for the clients.
START_TIME = 1.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stop:
    """The argument of an ``on_stop`` callback.

    ``code`` is a WebSocket close code: 1012 if another server is expected to take over, otherwise
    1001. ``deadline`` is in the loop's time. ``rate`` is the number of clients per second that
    should disconnect, and reconnect elsewhere. If ``successor_waits``, the successor can serve only
    when this server has ended. Then all clients disconnect at once, and only their return is paced.
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

        The last client comes when half of the time until the deadline has passed, or earlier. If
        they therefore leave faster than ``rate``, their delays spread their return over the time
        until the deadline. A delay is the number of seconds after which the client may reconnect.
        """
        waiting = list(clients)
        random.shuffle(waiting)
        loop = asyncio.get_running_loop()
        begin, share = loop.time(), max(self.seconds_left, 0) / max(len(waiting), 1)
        leaving, returning = min(1 / self.rate, share / 2), min(1 / self.rate, share)
        if self.successor_waits:
            leaving = 0
        first = START_TIME if self.successor_waits else 0
        for position, client in enumerate(waiting):
            left = begin + position * leaving - loop.time()
            if left > 0 or position % BATCH == BATCH - 1:
                await asyncio.sleep(max(left, 0))
            yield client, round(first + position * (returning - leaving), 3)
