"""The stop of a server, as its callbacks see it: a close code, a deadline and a pace."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TypeVar

#: The close code when another server is expected to take over, and the one when none is.
SERVICE_RESTART = 1012
GOING_AWAY = 1001

#: Clients that are asked to disconnect in one turn of the loop if they leave without a pace.
BATCH = 64
#: Seconds that a successor takes to start, as an estimate for the clients.
START_TIME = 1.0

#: Seconds by which a busy loop may be late and still make up for it at once.
LATE = 0.1

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stop:
    """The argument of an ``on_stop`` callback.

    ``code`` is a WebSocket close code, SERVICE_RESTART or GOING_AWAY. ``deadline`` is in the loop's
    time. ``rate`` is the number of clients per second that should disconnect, and reconnect
    elsewhere. If ``successor_waits``, the successor can serve only when this server has ended. Then
    all clients disconnect at once, and only their return is paced.
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

        The last client comes when half of the time until the deadline has passed, or earlier, also
        if the loop is busy. If they therefore leave faster than ``rate``, their delays spread their
        return over the time until the deadline. A delay is the number of seconds after which the
        client may reconnect.
        """
        waiting = list(clients)
        random.shuffle(waiting)
        loop = asyncio.get_running_loop()
        begin, share = loop.time(), max(self.seconds_left, 0) / max(len(waiting), 1)
        leaving, returning = min(1 / self.rate, share / 2), min(1 / self.rate, share)
        if self.successor_waits:
            leaving = 0
        first = START_TIME if self.successor_waits else 0
        due, end = begin, begin + share * len(waiting) / 2
        for position, client in enumerate(waiting):
            if due > loop.time() or (self.successor_waits and position % BATCH == BATCH - 1):
                await asyncio.sleep(max(due - loop.time(), 0))
                due = _catch_up(due, loop.time(), leaving, (end, len(waiting) - position))
            yield client, round(first + position * (returning - leaving), 3)
            due += leaving


def _catch_up(due: float, now: float, pause: float, rest: tuple[float, int]) -> float:
    """Return when a client was due after a loop that was late, so that few leave at once.

    ``rest`` is the end of the time and the number of clients. Of those whose time was missed, only
    as many leave now as the slowest pace for the rest requires.
    """
    end, count = rest
    if now - due <= LATE:
        return due
    if now >= end:
        return -math.inf
    slowest = max(pause, (end - now) / count)
    return now - (now - due) * pause / slowest
