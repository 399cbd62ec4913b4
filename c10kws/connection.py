"""``WebSocket``: one open connection on the event loop.

Facts:

* The loop's thread owns the connection. Writes from other threads wait in the outbox, in call
  order, and the next write or the loop's next turn takes them from there.
* Received messages wait in the inbox. What came before a Close is still read; when the inbox is
  over its bound, reading from the socket pauses, and TCP holds the client back.
* The first Close frame, in either direction, says how the connection ended.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from .conf import DEFAULTS, Settings
from .exceptions import ConnectionClosed
from .hijack import Stream
from .message import Message, as_message
from .outbox import Close, Item, Outbox, Overflow
from .protocol import ABNORMAL, Closed, ServerProtocol, State, check_close

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.http import HttpRequest

logger = logging.getLogger("c10kws")

#: Messages that wait to be read: a second bound beside the bytes, since an empty message weighs
#: nothing on the wire and 50 bytes here.
MAX_INBOX = 1024
#: Awaited writes that may follow one another before other connections get their turn.
WRITES_A_TURN = 64


class WebSocket(asyncio.Protocol):
    """One connection to a browser or another client; ``read_message`` and ``write_message``.

    ``stream`` is the contract's raw stream after its 101 was flushed (``docs/hijack.rst``); make
    the WebSocket on the loop's thread. ``request`` is the Django request of the handshake, if
    there is one, ``state`` is a place for the application's own attributes.

    The methods named after asyncio's (``connection_made`` …) are called by the loop.
    """

    request: HttpRequest
    user: User | AnonymousUser

    def __init__(
        self,
        stream: Stream,
        *,
        subprotocol: str | None = None,
        settings: Settings = DEFAULTS,
    ) -> None:
        self.subprotocol = subprotocol
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self.received = 0
        self.sent = 0
        self.dropped = 0
        self.opened = time.monotonic()
        self._settings = settings
        self._protocol = ServerProtocol(settings.max_message_size)
        self._inbox: deque[Message] = deque()
        self._inbox_size = 0
        self._reader: asyncio.Future[None] | None = None
        self._reading_paused = False
        self._outbox = Outbox(settings.max_queue_bytes)
        self._turn = 0
        self._state: SimpleNamespace | None = None
        self._thread = threading.get_ident()
        self._loop = asyncio.get_running_loop()
        self._lost: asyncio.Future[None] = self._loop.create_future()
        # Writers wait for connection_made, and then whenever the transport's buffer is full.
        self._drained: asyncio.Future[None] | None = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None
        self._written = _Awaitable(self, self._drain)
        stream.attach(lambda: self)

    # Reading

    async def read_message(self) -> Message:
        """Return the next message: str for a text message, bytes for a binary one.

        Raises :exc:`ConnectionClosed` when no more can come, and RuntimeError when another task
        is reading. A cancelled read loses no message.
        """
        if self._reader is not None:
            raise RuntimeError("expected one read_message() at a time; another task is waiting")
        while not self._inbox:
            if self.closed:
                raise self._connection_closed()
            self._reader = self._loop.create_future()
            try:
                await self._reader
            finally:
                self._reader = None
        return self._take()

    recv = read_message

    def __aiter__(self) -> WebSocket:
        """Iterate over the messages; the loop ends with the connection, whatever its code."""
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.read_message()
        except ConnectionClosed:
            raise StopAsyncIteration from None

    def _take(self) -> Message:
        message = self._inbox.popleft()
        self._inbox_size -= len(message)
        self._turn = 0
        if self._reading_paused and not self._inbox_full(0.5):
            self._resume_reading()
        if self.closed:
            self._watch(self._task)
        return message

    # Writing

    def write_message(self, data: str | bytes, opcode: int | None = None) -> Awaitable[None]:
        """Send a message now, before any later call, from any thread.

        str is sent as text and bytes as binary; ``opcode`` (1 text, 2 binary) overrides. The
        result may be ignored; awaited on the connection's loop it waits while the client is
        behind, and raises :exc:`ConnectionClosed` when the connection has ended. Raises TypeError
        for other data, ValueError for another opcode or bytes that are not UTF-8 text.
        """
        self._post(as_message(data, opcode))
        return self._written

    send = write_message

    def close(self, code: int = 1000, reason: str = "") -> Awaitable[None]:
        """Begin the closing handshake (RFC 6455 §7.1.2), from any thread; later calls do nothing.

        The result may be ignored; awaited it waits for the end, at most ``CLOSE_TIMEOUT``. Raises
        ValueError for a code that may not be sent or a reason over 123 bytes.
        """
        check_close(code, reason)
        self._post(Close(code, reason))
        return _Awaitable(self, self.wait_closed)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended and its socket is closed."""
        await asyncio.shield(self._lost)

    @property
    def closed(self) -> bool:
        """Whether a Close was sent or received, or the connection was lost: nothing can be sent."""
        return self.close_code is not None

    @property
    def state(self) -> SimpleNamespace:
        """A place for the application's own attributes."""
        if self._state is None:
            self._state = SimpleNamespace()
        return self._state

    def _post(self, item: Item) -> None:
        on_loop = threading.get_ident() == self._thread
        if on_loop and self._transport is not None and not self._outbox:
            self._send(item)
            return
        self._outbox.put(item)
        if on_loop:
            self._flush_outbox()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._flush_outbox)

    def _flush_outbox(self) -> None:
        if self._transport is None and not self.closed:
            return  # connection_made comes in one of the loop's next turns
        while self._outbox:
            self._send(self._outbox.get())

    def _send(self, item: Item) -> None:
        if isinstance(item, Close):
            self._send_close(item.code, item.reason)
        elif self.closed:
            self.dropped += 1
        elif isinstance(item, Overflow) or self._unsent() > self._settings.max_queue_bytes:
            self.dropped += 1
            self._drop_slow_client()
        else:
            self.sent += 1
            self._write(self._protocol.send_message(item))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _unsent(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    def _drop_slow_client(self) -> None:
        limit = self._settings.max_queue_bytes
        logger.warning("client too slow: over %d bytes wait to be sent; closing", limit)
        self._send_close(1013, "too slow")

    def _send_close(self, code: int, reason: str) -> None:
        if self.closed:
            return
        self._write(self._protocol.send_close(code, reason))
        self._end(code, reason)
        self._start_timer()
        if self._reading_paused:  # the peer's Close stands behind what nobody will read
            self._resume_reading()

    async def _drain(self) -> None:
        if self.closed:
            raise self._connection_closed()
        self._turn += 1
        if self._turn >= WRITES_A_TURN:
            self._turn = 0
            await asyncio.sleep(0)
        while self._drained is not None:
            await asyncio.shield(self._drained)
            if self.closed:
                raise self._connection_closed()

    # The end

    def _connection_closed(self) -> ConnectionClosed:
        self._watch(None)  # whoever awaits this has noticed
        return ConnectionClosed(self.close_code or ABNORMAL, self.close_reason or "", self)

    def cancel_when_over(self, task: asyncio.Task[None]) -> None:
        """Cancel ``task`` when the connection ended and it took no notice for HANDLER_TIMEOUT."""
        self._task = task
        if self.closed:
            self._watch(task)

    @property
    def waiting(self) -> bool:
        """Whether a task waits for a message, or the handler has ended: nothing is under way."""
        return self._reader is not None or self._task is None or self._task.done()

    def _watch(self, task: asyncio.Task[None] | None) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None
        if task is not None and not task.done():
            self._watchdog = self._loop.call_later(self._settings.handler_timeout, task.cancel)

    def _end(self, code: int, reason: str) -> None:
        """Remember how the connection ended; the first call counts."""
        if self.close_code is not None:
            return
        self.close_code, self.close_reason = code, reason
        if self._task is not None and asyncio.current_task(self._loop) is not self._task:
            self._watch(self._task)
        for waiter in (self._reader, self._drained):
            if waiter is not None and not waiter.done():
                waiter.set_result(None)

    def _start_timer(self) -> None:
        if self._timer is None and not self._lost.done():
            self._timer = self._loop.call_later(self._settings.close_timeout, self.abort)

    def abort(self) -> None:
        """End TCP without a word, on the loop's thread: what is unsent is lost."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.resume_writing()
        self._flush_outbox()

    def data_received(self, data: bytes) -> None:
        """Hand over what the socket gave; every message goes to the inbox."""
        for event in self._protocol.receive_data(data):
            if isinstance(event, Closed):
                self._handle_close(event)
            else:
                self._handle_message(event)
        if answers := self._protocol.data_to_send():
            self._write(answers)
        if self._protocol.state is State.CLOSED and self._transport is not None:
            self._transport.close()  # RFC 6455 §7.1.1: the server closes TCP first

    def _handle_message(self, message: Message) -> None:
        self.received += 1
        self._inbox.append(message)
        self._inbox_size += len(message)
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
        if self._inbox_full(1.0) and not self._reading_paused and self._transport is not None:
            self._reading_paused = True
            self._transport.pause_reading()

    def _handle_close(self, event: Closed) -> None:
        self._end(event.code, event.reason)
        self._start_timer()

    def _inbox_full(self, share: float) -> bool:
        return (
            self._inbox_size > self._settings.max_queue_bytes * share
            or len(self._inbox) > MAX_INBOX * share
        )

    def _resume_reading(self) -> None:
        self._reading_paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def eof_received(self) -> bool:
        """A half-closed connection is of no use: let the transport flush and close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The last call of the loop."""
        self._end(ABNORMAL, "")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._transport = None
        if not self._lost.done():
            self._lost.set_result(None)

    def pause_writing(self) -> None:
        self._drained = self._loop.create_future()

    def resume_writing(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)


class _Awaitable:
    """What a method that acts at once returns: awaited, it waits for the consequence."""

    __slots__ = ("_wait", "_websocket")

    def __init__(self, websocket: WebSocket, wait: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._websocket = websocket
        self._wait = wait

    def __await__(self) -> Generator[Any, None, None]:
        if asyncio.get_running_loop() is not self._websocket._loop:
            raise RuntimeError(
                "expected an await on the connection's own event loop; from another loop or "
                "thread, call the method and ignore what it returns"
            )
        return self._wait().__await__()
