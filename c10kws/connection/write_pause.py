"""``WritePause``: the time in which the client reads slowly, and nothing more is written."""

from __future__ import annotations

import asyncio

from .items import SharedMessage
from .total_queue import lock, total_queue


class WritePause:
    """From the transport's ``pause_writing`` to its ``resume_writing``; messages are queued.

    ``in_flight`` is what the transport had then: a broadcast, whose bytes all transports share, or
    a number of bytes. It counts against MAX_TOTAL_QUEUE_BYTES. ``pong`` answers the latest Ping
    that has come since: of several only the latest is answered (RFC 6455 §5.5.3), so that a peer
    that sends Pings and reads nothing costs one Pong.

    A new connection is paused, too, once a task waits for it to be made.
    """

    __slots__ = ("_resumed", "in_flight", "pong")

    def __init__(self, loop: asyncio.AbstractEventLoop, in_flight: SharedMessage | int = 0) -> None:
        self._resumed: asyncio.Future[None] = loop.create_future()
        self.in_flight: SharedMessage | int = 0
        self.pong: bytes | None = None
        self.count(in_flight)

    def count(self, in_flight: SharedMessage | int) -> None:
        """Count these unsent bytes instead of those before."""
        with lock:
            total_queue.release(self.in_flight)
            total_queue.hold(in_flight)
            self.in_flight = in_flight

    def recount(self, unsent: int) -> None:
        """Count only the bytes that are left, where bytes of this client are counted."""
        if isinstance(self.in_flight, int) and self.in_flight:
            self.count(unsent)

    async def wait(self) -> None:
        """Wait until the pause is over, or the connection ends."""
        await asyncio.shield(self._resumed)

    def wake(self) -> None:
        """Resume the tasks that wait."""
        if not self._resumed.done():
            self._resumed.set_result(None)

    def end(self) -> None:
        """End the pause: the transport has little left, or is closed."""
        self.count(0)
        self.wake()
