"""The way of a body to the client: from a worker thread or the loop, with flow control.

Slices go out one after another; each must leave within ``send_timeout``, or the connection is
aborted. A worker that is ahead of its client waits in :meth:`Sender.send`.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from .limits import Limits

if TYPE_CHECKING:
    from tornado.http1connection import HTTP1Connection

    from .response import Head

logger = logging.getLogger("c10kws_tornado")


class ClientGone(Exception):
    """The client has left, or took nothing for too long: there is nobody to send to."""


class Sender:
    """Sends one response on its connection. ``sent`` counts the bytes of the body."""

    def __init__(
        self, connection: HTTP1Connection, loop: asyncio.AbstractEventLoop, limits: Limits
    ) -> None:
        self._connection = connection
        self._loop = loop
        self._limits = limits
        self._queue: deque[bytes | None] = deque()
        self._size = 0
        self._changed = threading.Condition()
        self._pump: asyncio.Task[None] | None = None
        self._head: Head | None = None
        self._begun = False
        self.sent = 0
        self.gone = False

    # From a worker thread

    def send(self, head: Head | None, data: bytes, *, last: bool) -> None:
        """Queue a head (with the first data) and data, and wait while the client is behind.

        Raises :exc:`ClientGone`.
        """
        self._put(head, data, last)
        self._loop.call_soon_threadsafe(self._wake)
        with self._changed:
            self._changed.wait_for(lambda: self.gone or self._size <= self._limits.high_water)
        self._check()

    def _check(self) -> None:
        if self.gone:
            raise ClientGone

    def _put(self, head: Head | None, data: bytes, last: bool) -> None:
        self._check()
        self.sent += len(data)
        step = self._limits.chunk_size
        with self._changed:
            if head is not None:
                self._head = head
            self._size += len(data)
            if len(data) <= step:
                self._queue.append(data)
            else:
                view = memoryview(data)
                self._queue.extend(bytes(view[i : i + step]) for i in range(0, len(data), step))
            if last:
                self._queue.append(None)

    # On the loop

    async def send_async(self, head: Head | None, data: bytes, *, last: bool) -> None:
        """Do as :meth:`send` does, from a coroutine: return when the data has left."""
        self._put(head, data, last)
        self._wake()
        if self._pump is not None:
            await asyncio.wait([self._pump])
        self._check()

    def leave(self) -> None:
        """The client has gone; whoever waits learns of it."""
        with self._changed:
            self.gone = True
            self._queue.clear()
            self._size = 0
            self._changed.notify_all()

    def abort(self) -> None:
        """End the connection in the middle of the response: its end would be a lie."""
        if self._connection.stream is not None:
            self._connection.close()
        self.leave()

    def _wake(self) -> None:
        """Write what leaves at once; a task waits for the rest."""
        if self._pump is None and (pending := self._write_queue()) is not None:
            self._pump = self._loop.create_task(self._wait(pending))

    def _write_queue(self) -> asyncio.Future[None] | None:
        """Write until a slice does not leave at once, and return its future."""
        while not self.gone and self._queue:
            data = self._queue[0]
            if data is None:
                self._finish()
                return None
            future = self._write(data)
            if not future.done():
                return future
            if future.exception() is not None:
                self.leave()
            else:
                self._left(len(data))
        return None

    async def _wait(self, pending: asyncio.Future[None]) -> None:
        following: asyncio.Future[None] | None = pending
        try:
            while following is not None:
                size = len(self._queue[0] or b"")
                await asyncio.wait_for(following, self._limits.send_timeout)
                if self.gone:
                    break
                self._left(size)
                following = self._write_queue()
        except StreamClosedError:
            self.leave()
        except TimeoutError:
            logger.info("a client took nothing for %gs; aborted", self._limits.send_timeout)
            self.abort()
        finally:
            self._pump = None

    def _write(self, data: bytes) -> asyncio.Future[None]:
        if not self._begun and self._head is not None:
            self._begun = True
            return self._connection.write_headers(
                self._head.start_line, self._head.headers, data or None
            )
        return self._connection.write(data)

    def _left(self, size: int) -> None:
        with self._changed:
            self._queue.popleft()
            self._size -= size
            self._changed.notify_all()

    def _finish(self) -> None:
        self._queue.clear()
        self._connection.finish()
        if self._head is not None and self._head.close:
            self._connection.close()
