"""``WebSocket``: one open connection, as a handler sees it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, Awaitable, Callable, Coroutine, Generator
from threading import get_ident
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..conf import DEFAULTS, Settings
from ..exceptions import ConnectionClosed
from ..hijack import Stream
from ..protocol.closing import Close, check_close
from ..protocol.deflate import Deflate
from ..protocol.frames import (
    BINARY,
    BINARY_HEADS,
    TEXT,
    TEXT_HEADS,
    Mask,
    make_head,
    mask_slowly,
)
from ..protocol.messages import Message, as_message, check_opcode
from ..protocol.server import ServerProtocol
from .driver import Driver
from .outbox import Parts, Ping, TooManyPings
from .writing import FULL_CORK, MAX_CORK

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.http import HttpRequest


class WebSocket(Driver):
    """One connection to a browser or another client; ``read_message`` and ``write_message``.

    ``stream`` is the contract's raw stream after its 101 was flushed, and ``mask`` its masker
    (``docs/reference/hijack.rst``); make the WebSocket on the loop's thread. ``max_message_size``
    takes the place of the setting; ``deflate`` is the extension that the handshake agreed on.
    ``request`` is the Django request of the handshake, unless there is none or the view let it go;
    ``state`` is a place for the application's own attributes.
    """

    __slots__ = ("_state", "opened", "request", "subprotocol", "user")

    request: HttpRequest
    user: User | AnonymousUser

    def __init__(
        self,
        stream: Stream,
        *,
        subprotocol: str | None = None,
        settings: Settings = DEFAULTS,
        max_message_size: int | None = None,
        mask: Mask = mask_slowly,
        deflate: Deflate | None = None,
    ) -> None:
        self.subprotocol = subprotocol
        self.opened = time.monotonic()
        self._state: SimpleNamespace | None = None
        protocol = ServerProtocol(
            settings.max_message_size if max_message_size is None else max_message_size,
            mask=mask,
            deflate=deflate,
            fast_lane=settings.fast_lane,
            max_inflated=settings.max_queue_bytes,
        )
        super().__init__(stream, settings, protocol)

    # Reading

    async def read_message(self) -> Message:
        """Return the next message: str for a text message, bytes for a binary one.

        Raises :exc:`ConnectionClosed` when no more can come, and RuntimeError when another task
        is reading. A cancelled read loses no message.
        """
        while not self._inbox:
            if self.close_code is not None and not self._protocol.has_more:
                await self.pace()
                raise self.connection_closed()
            await self._next()
        return self._inbox.pop() if self._prompt else self._take()

    recv = read_message

    def __aiter__(self) -> WebSocket:
        """Iterate over the messages; the loop ends with the connection, whatever its code."""
        return self

    async def __anext__(self) -> Message:
        while not self._inbox:
            if self.close_code is not None and not self._protocol.has_more:
                await self.pace()
                self.connection_closed()
                raise StopAsyncIteration
            await self._next()
        return self._inbox.pop() if self._prompt else self._take()

    # Writing

    def write_message(
        self, data: str | bytes | AsyncIterable[str | bytes], opcode: int | None = None
    ) -> Awaitable[None]:
        """Send a message now, before any later call, from any thread.

        str is sent as text and bytes as binary; ``opcode`` (1 text, 2 binary) overrides. What an
        async iterable yields, all str or all bytes, is sent as one message, a fragment at a time;
        later messages wait for its end.

        The result may be ignored; awaited on the connection's loop it waits while the client is
        behind, and raises :exc:`ConnectionClosed` when the connection has ended. Raises TypeError
        for other data, ValueError for another opcode or bytes that are not UTF-8 text.
        """
        if self._prompt and opcode is None and get_ident() == self._shared.thread:
            # The hot path: nothing stands before the message, and the client keeps up.
            cork = self._cork
            if type(data) is str:
                payload, first, heads = data.encode(), TEXT, TEXT_HEADS
            elif type(data) is bytes:
                payload, first, heads = data, BINARY, BINARY_HEADS
            else:
                return self._write(data, opcode)
            if len(cork) < MAX_CORK:
                if not cork and not self._inline:
                    self._shared.loop.call_soon(self._flush)
                self.sent += 1
                size = len(payload)
                if size < 126:
                    cork.append(heads[size] + payload)
                    return self._shared.done
                return self._cork_long(make_head(first, size), payload)
        return self._write(data, opcode)

    send = write_message

    def _cork_long(self, head: bytes, payload: bytes) -> Awaitable[None]:
        """Put the two side by side, since joining them would copy the payload."""
        self._cork += head, payload
        self._cork_size += len(payload)
        if self._cork_size >= FULL_CORK:
            self._flush()
        self._writes += 1
        keeps_up = self._prompt and self._writes < MAX_CORK
        return self._shared.done if keeps_up else self._written()

    def _write(self, data: Any, opcode: int | None) -> Awaitable[None]:
        if isinstance(data, AsyncIterable):
            check_opcode(opcode)
            parts = Parts(data, opcode, asyncio.Future(loop=self._shared.loop))
            self._post(parts)
            return _Awaitable(self, lambda: self._result(parts.sent))
        ticket = self._post(as_message(data, opcode))
        self._writes += 1
        if ticket:
            return self._written(ticket)
        keeps_up = self._prompt and self._writes < MAX_CORK and len(self._cork) < MAX_CORK
        if keeps_up and get_ident() == self._shared.thread:
            return self._shared.done
        return self._written()

    def _written(self, ticket: int = 0) -> Awaitable[None]:
        return _Awaitable(self, lambda: self.written(ticket))

    def ping(self) -> Awaitable[float]:
        """Send a Ping now (RFC 6455 §5.5.2), from any thread.

        The result may be ignored; awaited it is the seconds until the Pong, and raises
        :exc:`ConnectionClosed` when the connection ends before. Raises RuntimeError when 64 Pings
        wait for their Pong, or to be sent.
        """
        if self._pings is not None and self._pings.full:
            raise TooManyPings
        ping = Ping(asyncio.Future(loop=self._shared.loop))
        self._post(ping)
        return _Awaitable(self, lambda: self._result(ping.answered))

    @property
    def pending(self) -> int:
        """How many messages have come and can be read without waiting."""
        return len(self._inbox)

    @property
    def latency(self) -> float | None:
        """Seconds from the last answered Ping to its Pong; None before the first."""
        return None if self._pings is None else self._pings.latency

    # The end

    def close(self, code: int = 1000, reason: str = "") -> Awaitable[None]:
        """Begin the closing handshake (RFC 6455 §7.1.2), from any thread; later calls do nothing.

        The result may be ignored; awaited it waits for the end, at most ``CLOSE_TIMEOUT``. Raises
        ValueError for a code that may not be sent or a reason over 123 bytes.
        """
        check_close(code, reason)
        farewell, self.farewell = self.farewell, None
        if farewell is not None and not self.closed:
            farewell(code, reason)
        self._post(Close(code, reason))
        if self.close_code is None:
            self._limit_stream(code, reason)
        return _Awaitable(self, self.wait_closed)

    def _limit_stream(self, code: int, reason: str) -> None:
        loop = self._shared.loop
        if get_ident() == self._shared.thread:
            self.limit_stream(code, reason)
        elif not loop.is_closed():
            loop.call_soon_threadsafe(self.limit_stream, code, reason)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended and its socket is closed."""
        if self._ended:
            return
        if self._lost is None:
            self._lost = self._shared.loop.create_future()
        await asyncio.shield(self._lost)

    @property
    def state(self) -> SimpleNamespace:
        """A place for the application's own attributes."""
        if self._state is None:
            self._state = SimpleNamespace()
        return self._state

    async def _result(self, future: asyncio.Future[Any]) -> Any:
        try:
            return await asyncio.shield(future)
        except ConnectionClosed as error:
            if error.websocket is self:
                self.connection_closed()  # the task that waited has noticed
            raise

    # For the handler's task and its threads, and for the server

    def fail(self) -> None:
        """Close with 1011 because the handler failed; do not wait for a message in fragments."""
        self.close(1011, "internal error")
        self.cut_stream(1011, "internal error")

    def stop(self, code: int) -> None:
        """Close because the server stops; send at once a Close that is already waiting."""
        waits = self._timer is not None and not self.closed
        self.close(code)
        if waits:
            self.cut_stream(code, "")

    def cancel_when_over(self, task: asyncio.Task[None]) -> None:
        """Cancel ``task`` if it does not notice the end of the connection within HANDLER_TIMEOUT.

        A later call starts HANDLER_TIMEOUT again.
        """
        if self._task is not task:
            self._task = task
            if self._watchdog is not None:  # it watches another task, or none
                self._watchdog.stop()
                self._watchdog = None
        if self.closed:
            self._watch().start()

    @property
    def waiting(self) -> bool:
        """True while the handler is idle: waiting for a message, or finished."""
        return self._waiter.busy or self._task is None or self._task.done()


class _Awaitable:
    """Returned by methods that act immediately; awaiting it waits for the operation to complete."""

    __slots__ = ("_wait", "_websocket")

    def __init__(self, websocket: WebSocket, wait: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._websocket = websocket
        self._wait = wait

    def __await__(self) -> Generator[Any, None, Any]:
        if asyncio.get_running_loop() is not self._websocket._shared.loop:
            raise RuntimeError(
                "expected an await on the connection's own event loop; from another loop or "
                "thread, call the method and ignore what it returns"
            )
        if self._websocket.closed:
            return self._late().__await__()
        return self._wait().__await__()

    async def _late(self) -> Any:
        """Pace the handler's own tasks after the end; other tasks yield once."""
        if self._websocket._is_own(asyncio.current_task()):
            await self._websocket.pace()
        else:
            await asyncio.sleep(0)
        return await self._wait()
