"""The way of a body to the client: from a worker thread or the loop, with flow control.

Slices go out one after another. When the client takes nothing for ``send_timeout`` the connection
is aborted. A worker that is ahead of its client waits in :meth:`Sender.send`.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING

from tornado.iostream import StreamClosedError

from .limits import Limits
from .mailbox import Mailbox

if sys.platform != "win32":
    from fcntl import ioctl
    from termios import TIOCOUTQ

if TYPE_CHECKING:
    from tornado.http1connection import HTTP1Connection

    from .response import Head

logger = logging.getLogger("c10kws_tornado")


class ClientGone(Exception):
    """The client has left, or took nothing for too long: there is nobody to send to."""


class Sender:
    """Sends one response on its connection. ``sent`` counts the bytes of the body.

    ``ended`` is done when the last byte has left or nobody is there to take it; ``stalled`` says
    that the client took nothing for ``send_timeout``.
    """

    def __init__(
        self,
        connection: HTTP1Connection,
        mailbox: Mailbox,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
    ) -> None:
        self._connection = connection
        self._mailbox = mailbox
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
        self.stalled = False
        self.ended: asyncio.Future[None] = loop.create_future()

    # From a worker thread

    def send(self, head: Head | None, data: bytes, *, last: bool) -> None:
        """Queue a head (with the first data) and data, and wait while the client is behind.

        Raises :exc:`ClientGone`.
        """
        self._put(head, data, last)
        self._mailbox.post(self._wake)
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
            if not data and head is None:
                pass
            elif len(data) <= step:
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
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
        self._end()

    def abort(self) -> None:
        """End the connection in the middle of the response: its end would be a lie."""
        if self._connection.stream is not None:
            self._connection.close()
        self.leave()

    def _wake(self) -> None:
        """Write what leaves at once; a task waits for the rest."""
        if self._pump is not None:
            return
        try:
            pending = self._write_queue()
        except Exception:  # whoever waits must not wait for ever
            logger.exception("a response could not be written")
            self.abort()
            return
        if pending is not None:
            self._pump = self._loop.create_task(self._wait(pending))

    def _write_queue(self) -> asyncio.Future[None] | None:
        """Write until a slice does not leave at once, and return its future."""
        while not self.gone and self._queue:
            future = self._write(self._queue[0])
            if not future.done():
                return future
            if future.exception() is not None:
                self.leave()
            else:
                self._left()
        return None

    async def _wait(self, pending: asyncio.Future[None]) -> None:
        following: asyncio.Future[None] | None = pending
        try:
            while following is not None:
                await self._wait_for(following)
                if self.gone:
                    break
                self._left()
                following = self._write_queue()
        except StreamClosedError:
            self.leave()
        except TimeoutError:
            self.stalled = True
            self.abort()
        finally:
            self._pump = None

    async def _wait_for(self, leaving: asyncio.Future[None]) -> None:
        """Wait for a slice, as long as the kernel says that the client takes something."""
        while not leaving.done():
            before = unsent_bytes(self._connection.stream.socket)
            await asyncio.wait([leaving], timeout=self._limits.send_timeout)
            after = unsent_bytes(self._connection.stream.socket)
            if not leaving.done() and after >= before:
                raise TimeoutError
        await leaving

    def _write(self, data: bytes | None) -> asyncio.Future[None]:
        if data is None:
            return self._finish()
        if not self._begun and self._head is not None:
            self._begun = True
            return self._connection.write_headers(
                self._head.start_line, self._head.headers, data or None
            )
        return self._connection.write(data)

    def _left(self) -> None:
        """The first of the queue has left."""
        with self._changed:
            data = self._queue.popleft()
            self._size -= len(data or b"")
            self._changed.notify_all()
        if data is None:
            self._end()

    def _finish(self) -> asyncio.Future[None]:
        """Say that nothing follows; the future is done when all of it has left."""
        stream = self._connection.stream
        self._connection.finish()
        chunked = self._head is None or self._head.length is None
        if chunked and not stream.closed():
            return stream.write(b"")  # behind the last chunk
        finished: asyncio.Future[None] = self._loop.create_future()
        finished.set_result(None)
        return finished

    def _end(self) -> None:
        if self._head is not None and self._head.close:
            self._connection.close()
        if not self.ended.done():
            self.ended.set_result(None)


def unsent_bytes(sock: socket.socket | None) -> int:
    """Return what the kernel still keeps for the peer; 0 where it does not tell."""
    if sock is None or sys.platform == "win32":
        return 0
    try:
        return int.from_bytes(ioctl(sock, TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0
