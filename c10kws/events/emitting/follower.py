"""``Follower``: collects messages of a room for a coroutine that waits for them."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from ..brokers.history import Position
from ..brokers.message import Arrival


class Follower:
    """Collects the messages of a room; made and used on one event loop.

    ``position`` is that of the last message. ``lost`` is True when messages were lost.
    """

    __slots__ = ("_news", "arrivals", "loop", "lost", "position")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.arrivals: list[Arrival] = []
        self.position: Position | None = None
        self.lost = False
        self._news = asyncio.Event()

    def receive(self, arrival: Arrival) -> None:
        """Add a message that has arrived, unless the history that was read has it."""
        if arrival.is_included(self.position):
            return
        self.position = arrival.position
        self.arrivals.append(arrival)
        self._news.set()

    def reset(self, position: Position | None) -> None:
        """Continue after a position, since messages before it were lost."""
        self.lost = True
        self.position = position
        self._news.set()

    def begin(self, last: Position) -> None:
        """Drop the messages that a history up to ``last`` contains."""
        self.arrivals = [each for each in self.arrivals if not each.is_included(last)]
        if not self.arrivals and not self.lost:
            self.position = last
            self._news.clear()

    async def wait(self, timeout: float) -> None:
        """Wait until there are messages or some were lost, for at most ``timeout`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._news.wait()
