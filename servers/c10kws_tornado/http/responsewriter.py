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
from collections.abc import Callable, Iterable

from ..limits import Limits
from ..mailbox import Mailbox
from ..safelogger import get_logger
from .protocol import HTTPProtocol
from .responseframing import ResponseFraming
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
    disconnected client did not read. ``slow`` is the reason why a slow client was disconnected.
    ``send_buffers`` counts the unsent data of all responses.
    """

    def __init__(
        self,
        connection: HTTPProtocol,
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
        self._timer: asyncio.TimerHandle | None = None
        self._changed = threading.Condition()
        self._pausing = False  # until the kernel has taken a slice, or until the loop's next turn
        self._emptied: asyncio.Future[None] | None = None
        self._framing: ResponseFraming | None = None
        self._close = False
        self._begun = False
        self._whole = False  # the response is one slice
        self._complete = False  # all of the response is queued
        self.given = 0
        self._unread = 0
        self.disconnected = False
        self.slow: SlowClient | None = None
        self._ended = False
        self._on_end: Callable[[], object] | None = None

    @property
    def sent(self) -> int:
        return self.given - self._unread

    def begin(self, framing: ResponseFraming, *, close: bool) -> None:
        """Set the framing of the response; ``close`` ends the connection with it."""
        self._framing = framing
        self._close = close

    # From a worker thread

    def send(self, parts: Iterable[bytes], *, last: bool = False) -> None:
        """Queue data; the head is sent with the first.

        Wait first while too much is unsent, but not with the ``last`` data, so that the thread is
        free. Raises :exc:`ConnectionLost`.
        """
        with self._changed:
            if not last:
                self._changed.wait_for(self._has_room)
            self._put(parts, last)
        self._mailbox.post(self._wake)

    def _has_room(self) -> bool:
        return self.disconnected or self._size <= self._limits.high_water

    def _put(self, parts: Iterable[bytes], last: bool) -> None:
        if self.disconnected:
            raise ConnectionLost
        data = [part for part in parts if part]
        size = sum(map(len, data))
        if not (data or last or self._queue or self._begun):
            data = [b""]  # the head is sent alone
        self._queue.extend(data)
        self._size += size
        self.held += size
        self.given += size
        if last and not self._complete:
            self._complete = True
            self._queue.append(None)

    # On the loop

    async def send_async(self, parts: Iterable[bytes], *, last: bool = False) -> None:
        """Queue like :meth:`send`, from a coroutine; return when the data was sent."""
        with self._changed:
            self._put(parts, last)
        self._wake()
        if self._queue and not self.disconnected:
            self._emptied = self._loop.create_future()
            await self._emptied
        if self.disconnected:
            raise ConnectionLost

    def supervise(self, response: bytes, *, close: bool) -> None:
        """Supervise a complete response that was written, and that the kernel did not take."""
        self._close = close
        self._begun = self._whole = self._complete = True
        self._queue.append(response)
        self._slice_size = self._size = self.held = self.given = len(response)
        self._pause()
        self._count()

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Call when the last byte was sent, or the client has disconnected."""
        if self._ended or self.disconnected:
            callback()
        else:
            self._on_end = callback

    def connection_lost(self) -> None:
        """Handle the end of the connection: wake the thread or task that waits."""
        with self._changed:
            self.disconnected = True
            self._unread += self._size
            self._queue.clear()
            self._size = self.held = 0
            self._changed.notify_all()
        self._stop_timer()
        self._count()
        self._release()
        self._end()

    def disconnect(self, reason: str) -> None:
        """Disconnect a client that reads too slowly."""
        self.slow = SlowClient(reason)
        self._connection.output.reset()
        self.connection_lost()

    @property
    def seconds_left(self) -> float:
        """Seconds that the client needs for the data in memory, at its latest rate."""
        if self._rate is None or self._connection.lost:
            return 0.0
        taken = self._connection.output.taken
        return self._rate.time_for(self.held, taken, self._limits.chunk_size)

    def abort(self) -> None:
        """Close the connection, unless the response is complete: another request may follow."""
        if not self._complete:
            self._connection.abort()
            self.connection_lost()

    def _wake(self) -> None:
        """Write what the kernel takes now, unless earlier data still waits."""
        if not self._pausing:
            if self.given > self._limits.high_water:
                self._connection.output.limit_unsent(self._limits.high_water)
            self._write_queue()
        if self.held or self._counted:
            self._count()

    def _count(self) -> None:
        """Update the server's count of unsent bytes."""
        held = self.held if self._pausing else 0  # a thread may add to it
        change, self._counted = held - self._counted, held
        if change:
            self._send_buffers.change(self, change)

    def _write_queue(self) -> None:
        """Write until the kernel does not take a slice.

        At most ``high_water`` bytes and MAX_WRITES slices at a time, since other clients wait for
        the loop too.
        """
        written = 0
        for _ in range(MAX_WRITES):
            if self.disconnected or not self._queue:
                break
            if written > self._limits.high_water:
                break
            if not self._connection.output.write(self._next_slice()):
                self._pause()
                return
            written += self._slice_size
            self._advance()
        if self._queue:
            self._pausing = True
            self._loop.call_soon(self._resume)
        else:
            self._release()

    def _pause(self) -> None:
        """Wait until the kernel has taken the slice."""
        self._pausing = True
        self._connection.output.when_drained(self._drained)
        if self._rate is None:
            self._rate = SendRate(self._limits, self._connection.output.taken)
        if self._timer is None:
            self._timer = self._loop.call_later(max(self._rate.left, 0), self._check_rate)

    def _drained(self) -> None:
        self._advance()
        self._resume()

    def _resume(self) -> None:
        if not self.disconnected:
            self._pausing = False
            self._write_queue()
            if not self._queue:
                self._stop_timer()
            self._count()

    def _check_rate(self) -> None:
        """Disconnect a client that has read too little, as the kernel reports it."""
        self._timer = None
        assert self._rate is not None
        try:
            if self._rate.left <= 0:
                self._rate.check(self._connection.output.taken)
        except SlowClient as error:
            self.disconnect(str(error))
            return
        self._timer = self._loop.call_later(max(self._rate.left, 0), self._check_rate)

    def _stop_timer(self) -> None:
        self._rate = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _next_slice(self) -> bytes:
        """Return a slice of the first item; slicing all of it at once would copy it."""
        assert self._framing is not None
        data, step = self._queue[0], self._limits.chunk_size
        if data is not None and len(data) > step:
            data = data[self._position : self._position + step]
        self._slice_size = len(data or b"")
        head = b"" if self._begun else self._framing.encode_head()
        self._begun = True
        if data is None:
            return head + self._framing.end
        return head + self._framing.encode_piece(data) if data else head

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
        if first is None or self._whole:
            self._connection.response_sent(close=self._close)
            self._end()

    def _release(self) -> None:
        """Resume the coroutine that waits for its data."""
        emptied, self._emptied = self._emptied, None
        if emptied is not None and not emptied.done():
            emptied.set_result(None)

    def _end(self) -> None:
        self._ended = True
        callback, self._on_end = self._on_end, None
        if callback is not None:
            callback()
