"""Sending a response to the client, from a worker thread or the loop, with flow control.

Slices are sent one after another; each is cut when the previous one was sent. A client that reads
more slowly than ``min_send_rate`` is disconnected. A worker thread that produces data faster than
the client reads waits in :meth:`ResponseWriter.send`, except with the last data: the loop sends the
rest.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from ..limits import Limits
from ..mailbox import Mailbox
from ..safelogger import get_logger
from .iostreams import PlainStream, TLSStream
from .responsehead import ResponseHead
from .sendbuffers import SendBuffers
from .sendrate import SendRate, SlowClient

logger = get_logger("c10kws_tornado")

#: Writes to one client in one turn of the loop, when chunks are short.
MAX_WRITES = 256


class ConnectionLost(Exception):
    """Raised when the client disconnected, or was disconnected because it reads too slowly."""


class ResponseWriter:
    """Sends one response on its connection.

    ``given`` counts the bytes of the body that were queued; ``sent`` leaves out the bytes that a
    disconnected client did not read. ``ended`` is done when the last byte was sent or the client
    has disconnected. ``slow`` is the reason why a slow client was disconnected. ``send_buffers``
    counts the unsent data of all responses.
    """

    def __init__(
        self,
        connection: HTTP1Connection,
        mailbox: Mailbox,
        loop: asyncio.AbstractEventLoop,
        limits: Limits,
        send_buffers: SendBuffers,
    ) -> None:
        self._connection = connection
        self._mailbox = mailbox
        self._loop = loop
        self._limits = limits
        self._send_buffers = send_buffers
        self._queue: deque[bytes | None] = deque()
        self._position = 0  # in the first item of the queue
        self._slice_size = 0  # of the slice that is being written
        self._size = 0
        self.held = 0  # like _size, but the first item of the queue counts as a whole
        self._counted = 0  # by the send buffers
        self._rate: SendRate | None = None
        self._changed = threading.Condition()
        self._pump: asyncio.Task[None] | None = None
        self._head: ResponseHead | None = None
        self._begun = False
        self.given = 0
        self._unread = 0
        self.disconnected = False
        self.slow: SlowClient | None = None
        self.ended: asyncio.Future[None] = loop.create_future()

    @property
    def sent(self) -> int:
        return self.given - self._unread

    # From a worker thread

    def send(
        self, head: ResponseHead | None, parts: Iterable[bytes], *, last: bool = False
    ) -> None:
        """Queue a head (with the first data) and data.

        Wait first while too much is unsent, but not with the ``last`` data, so that the thread is
        free. Raises :exc:`ConnectionLost`.
        """
        with self._changed:
            if not last:
                self._changed.wait_for(self._has_room)
            self._put(head, parts, last)
        self._mailbox.post(self._wake)

    def _has_room(self) -> bool:
        return self.disconnected or self._size <= self._limits.high_water

    def _put(self, head: ResponseHead | None, parts: Iterable[bytes], last: bool) -> None:
        if self.disconnected:
            raise ConnectionLost
        data = [part for part in parts if part]
        size = sum(map(len, data))
        if head is not None:
            self._head = head
            data = data or [b""]  # the head is sent alone
        self._queue.extend(data)
        self._size += size
        self.held += size
        self.given += size
        if last:
            self._queue.append(None)

    # On the loop

    async def send_async(
        self, head: ResponseHead | None, parts: Iterable[bytes], *, last: bool = False
    ) -> None:
        """Queue like :meth:`send`, from a coroutine; return when the data was sent."""
        with self._changed:
            self._put(head, parts, last)
        self._wake()
        if self._pump is not None:
            await asyncio.wait([self._pump])
        if self.disconnected:
            raise ConnectionLost

    @property
    def _stream(self) -> PlainStream | TLSStream:
        return cast(PlainStream | TLSStream, self._connection.stream)

    def connection_lost(self) -> None:
        """Handle the end of the connection: wake the thread or task that waits."""
        with self._changed:
            self.disconnected = True
            self._unread += self._size
            self._queue.clear()
            self._size = self.held = 0
            self._changed.notify_all()
        if self._pump is not None and self._pump is not asyncio.current_task():
            self._pump.cancel()
        self._count()
        self._end()

    def disconnect(self, reason: str) -> None:
        """Disconnect a client that reads too slowly."""
        self.slow = SlowClient(reason)
        if self._connection.stream is not None:
            self._stream.reset()
        self.abort()

    @property
    def seconds_left(self) -> float:
        """Seconds that the client needs for the data in memory, at its latest rate."""
        if self._rate is None or self._connection.stream is None:
            return 0.0
        return self._rate.time_for(self.held, self._stream.taken, self._limits.chunk_size)

    def _count(self) -> None:
        """Update the server's count of unsent bytes."""
        held = self.held  # a thread may add to it
        change, self._counted = held - self._counted, held
        if change:
            self._send_buffers.change(self, change)

    def abort(self) -> None:
        """Close the connection without ending the response, which is incomplete."""
        if self._connection.stream is not None:
            self._stream.abort()
            self._connection.close()
        self.connection_lost()

    def _wake(self) -> None:
        """Write what the kernel takes now; a task writes the rest."""
        if self._pump is not None:
            self._count()
            return
        if self.given > self._limits.high_water:
            self._stream.limit_unsent(self._limits.high_water)
        try:
            pending = self._write_queue()
        except Exception:
            self._fail()
            return
        if pending is not None or self._queue:
            self._rate = SendRate(self._limits, self._stream.taken)
            self._pump = self._loop.create_task(self._write_slowly(pending, self._rate))
            self._count()

    def _fail(self) -> None:
        """Log an error of the connection, and wake a thread that waits for it."""
        logger.exception("A response could not be written; closed the connection.")
        self.abort()

    def _write_queue(self) -> asyncio.Future[None] | None:
        """Write until the kernel does not take a slice, and return the future of that slice.

        At most ``high_water`` bytes and MAX_WRITES slices at a time, since other clients wait for
        the loop too.
        """
        written = 0
        for _ in range(MAX_WRITES):
            if self.disconnected or not self._queue or written > self._limits.high_water:
                break
            future = self._write(self._next_slice())
            if not future.done():
                return future
            if future.exception() is not None:
                self.connection_lost()
            else:
                written += self._slice_size
                self._advance()
        return None

    def _next_slice(self) -> bytes | None:
        """Return the next slice of the first item; slicing all of it at once would copy it."""
        data, step = self._queue[0], self._limits.chunk_size
        if data is not None and len(data) > step:
            data = data[self._position : self._position + step]
        self._slice_size = len(data or b"")
        return data

    async def _write_slowly(self, pending: asyncio.Future[None] | None, rate: SendRate) -> None:
        stream = self._stream
        try:
            while not self.disconnected and self._queue:
                if pending is None:
                    await asyncio.sleep(0)
                else:
                    await self._wait_for(pending, stream, rate)
                    self._advance()
                pending = self._write_queue()
        except StreamClosedError:
            self.connection_lost()
        except SlowClient as error:
            self.disconnect(str(error))
        except Exception:
            self._fail()
        finally:
            self._pump = None

    async def _wait_for(
        self, leaving: asyncio.Future[None], stream: PlainStream | TLSStream, rate: SendRate
    ) -> None:
        """Wait for a slice while the client reads fast enough, as the kernel reports it."""
        while not leaving.done():
            await asyncio.wait([leaving], timeout=max(rate.left, 0))
            if not stream.closed() and rate.left <= 0:
                rate.check(stream.taken)
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

    def _advance(self) -> None:
        """Account for a slice that was sent."""
        if self.disconnected:
            return
        with self._changed:
            first = self._queue[0]
            self._position += self._slice_size
            self._size -= self._slice_size
            if first is None or self._position == len(first):
                self.held -= len(self._queue.popleft() or b"")
                self._position = 0
            self._changed.notify_all()
        if self._counted:
            self._count()
        if first is None:
            self._end()

    def _finish(self) -> asyncio.Future[None]:
        """End the body; the future is done when all of it was sent."""
        stream = self._connection.stream
        self._connection.finish()
        chunked = self._head is None or self._head.length is None
        if chunked and not stream.closed():
            return stream.write(b"")  # after the last chunk
        finished: asyncio.Future[None] = self._loop.create_future()
        finished.set_result(None)
        return finished

    def _end(self) -> None:
        if self._head is not None and self._head.close:
            self._connection.close()
        if not self.ended.done():
            self.ended.set_result(None)
