"""``WebSocket``: one open connection, as a handler sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Awaitable
from functools import partial
from threading import get_ident
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..conf import DEFAULTS, Settings
from ..exceptions import ConnectionClosed
from ..hijack import Stream
from ..protocol.closing import CloseCode, check_close
from ..protocol.deflate import Deflate
from ..protocol.frames import BINARY, BINARY_HEADS, TEXT, TEXT_HEADS, Mask, make_head
from ..protocol.messages import Message, as_message, check_opcode
from ..protocol.metered import MeteredProtocol
from ..protocol.rates import Meter
from ..protocol.server import ServerProtocol
from .connection import Connection
from .cork import MAX_FRAMES
from .items import FragmentedMessage, Ping
from .loop import loop_state_of
from .operation import Operation
from .pings import TooManyPings

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User
    from django.http import HttpRequest


class WebSocket:
    """A connection to a browser or another client; ``read_message`` and ``write_message``.

    ``stream`` is the contract's raw stream after its 101 was flushed, and ``mask`` its masker; make
    the WebSocket on the loop's thread. ``max_message_size`` overrides the setting; ``deflate`` is
    the extension that the handshake agreed on, and ``meter`` limits the rate of messages.
    ``request`` is the Django request of the handshake, unless there is none or the view let it go,
    and ``user`` its user.
    """

    __slots__ = ("__weakref__", "_connection", "_state", "request", "subprotocol", "user")

    request: HttpRequest
    user: User | AnonymousUser

    def __init__(
        self,
        stream: Stream,
        *,
        subprotocol: str | None = None,
        settings: Settings = DEFAULTS,
        max_message_size: int | None = None,
        mask: Mask | None = None,
        deflate: Deflate | None = None,
        meter: Meter | None = None,
    ) -> None:
        self.subprotocol = subprotocol
        self._state: SimpleNamespace | None = None
        make = ServerProtocol if meter is None else partial(MeteredProtocol, meter)
        protocol = make(
            settings.max_message_size if max_message_size is None else max_message_size,
            mask=mask,
            deflate=deflate,
            fast_lane=settings.fast_lane,
            max_inflated=settings.max_queue_bytes,
        )
        loop_state = loop_state_of(asyncio.get_running_loop())
        self._connection = Connection(stream, loop_state, settings, protocol)

    # Reading

    async def read_message(self) -> Message:
        """Return the next message: str for a text message, bytes for a binary one.

        Raises :exc:`ConnectionClosed` when the connection has ended and all messages that came
        before are read, and RuntimeError when another task is reading. A cancelled read, for
        example by a timeout, loses no message.
        """
        inbox = self._connection.inbox
        while not inbox.messages:
            if inbox.observed and self._connection.exhausted:
                await self._connection.handler.pace()
                raise self._connection_closed()
            await self._connection.next_message()
        return self._connection.take() if inbox.observed else inbox.messages.pop()

    recv = read_message

    def __aiter__(self) -> WebSocket:
        """Iterate over the messages; the loop ends with the connection, whatever its code."""
        return self

    async def __anext__(self) -> Message:
        inbox = self._connection.inbox
        while not inbox.messages:
            if inbox.observed and self._connection.exhausted:
                await self._connection.handler.pace()
                self._connection.handler.notice_end(self._connection)
                raise StopAsyncIteration
            await self._connection.next_message()
        return self._connection.take() if inbox.observed else inbox.messages.pop()

    @property
    def pending(self) -> int:
        """Number of messages that can be read without waiting."""
        return len(self._connection.inbox.messages)

    @property
    def received(self) -> int:
        """Number of messages that have arrived, read or not."""
        return self._connection.inbox.received

    # Writing

    def write_message(
        self, data: str | bytes | AsyncIterable[str | bytes], opcode: int | None = None
    ) -> Awaitable[None]:
        """Send a message immediately and in call order; may be called from any thread.

        A str is sent as text and bytes are sent as binary. ``opcode`` (1 text, 2 binary) overrides
        this. The parts of an async iterable, all str or all bytes, are sent as the fragments of one
        message; later messages wait for its end.

        The result may be ignored. Awaiting it on the connection's loop waits while the client reads
        slowly, and raises :exc:`ConnectionClosed` when the connection has ended.

        Raises TypeError for other data, and ValueError for another opcode or for bytes that are not
        UTF-8 but are sent as text.
        """
        sender = self._connection.sender
        loop_state = sender.loop_state
        if sender.prompt and opcode is None and get_ident() == loop_state.thread:
            # The hot path: nothing is queued before the message, and the client keeps up. Short
            # frames are corked here: a call of Cork.push for each took 0.24 µs, a fifth of the time
            # that the library takes for an echo.
            cork = sender.cork
            if type(data) is str:
                payload, heads = data.encode(), TEXT_HEADS
            elif type(data) is bytes:
                payload, heads = data, BINARY_HEADS
            else:
                return self._write(data, opcode)
            frames = cork.frames
            if len(frames) < MAX_FRAMES:
                size = len(payload)
                sender.sent += 1
                if size < 126:
                    (frames or cork.begin()).append(heads[size] + payload)
                    return loop_state.done
                first = TEXT if heads is TEXT_HEADS else BINARY
                cork.push_long(make_head(first, size), payload)
                cork.writes += 1
                if cork.pause is None and cork.writes < MAX_FRAMES:
                    return loop_state.done
                return Operation(self._connection, lambda: self._written(0))
        return self._write(data, opcode)

    send = write_message

    def _write(self, data: Any, opcode: int | None) -> Awaitable[None]:
        sender = self._connection.sender
        if not isinstance(data, str | bytes) and isinstance(data, AsyncIterable):
            check_opcode(opcode)
            item = FragmentedMessage(data, opcode, asyncio.Future(loop=sender.loop_state.loop))
            sender.post(item)
            return Operation(self._connection, lambda: self._result(item.sent))
        ticket = sender.post(as_message(data, opcode))
        cork = sender.cork
        cork.writes += 1  # after MAX_FRAMES writes the awaited one yields to other tasks
        keeps_up = sender.prompt and cork.writes < MAX_FRAMES and len(cork.frames) < MAX_FRAMES
        if keeps_up and not ticket and get_ident() == sender.loop_state.thread:
            return sender.loop_state.done
        return Operation(self._connection, lambda: self._written(ticket))

    async def _written(self, ticket: int) -> None:
        if not await self._connection.sender.written(ticket):
            raise self._connection_closed()

    @property
    def sent(self) -> int:
        """Number of messages that were passed to the transport for sending, broadcasts included.

        A message in fragments counts with its last fragment.
        """
        return self._connection.sender.sent

    @property
    def dropped(self) -> int:
        """Number of messages that were not sent.

        They are dropped when the connection has ended or the client reads too slowly.
        """
        return self._connection.sender.dropped

    # Pings

    def ping(self) -> Awaitable[float]:
        """Send a Ping immediately (RFC 6455 §5.5.2); may be called from any thread.

        The result may be ignored. Awaiting it waits for the Pong and returns the time that it took,
        in seconds. It raises :exc:`ConnectionClosed` if the connection ends first. A Ping may be
        sent between the fragments of a message.

        Raises RuntimeError when 64 Pings are unanswered or not sent yet.
        """
        connection = self._connection
        if connection.keepalive.full:
            raise TooManyPings
        ping = Ping(asyncio.Future(loop=connection.loop_state.loop))
        connection.sender.post(ping)
        return Operation(self._connection, lambda: self._result(ping.answered))

    @property
    def latency(self) -> float | None:
        """Seconds from the last answered Ping to its Pong; None before the first Pong.

        Keepalive Pings count too.
        """
        return self._connection.keepalive.latency

    # The end

    def close(self, code: int = 1000, reason: str = "") -> Awaitable[None]:
        """Begin the closing handshake (RFC 6455 §7.1.2); may be called from any thread.

        Later calls do nothing. The result may be ignored. Awaiting it waits until the connection
        has ended, at most CLOSE_TIMEOUT seconds.

        Raises ValueError for a code that may not be sent, or for a reason of more than 123 bytes in
        UTF-8.
        """
        check_close(code, reason)
        self._connection.close(code, reason)
        return Operation(self._connection, self.wait_closed)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended and its socket is closed."""
        await self._connection.wait_closed()

    @property
    def closed(self) -> bool:
        """True when nothing can be sent: after a Close from either side, or a lost connection."""
        return self._connection.closed

    @property
    def close_code(self) -> int | None:
        """Code of the first Close frame of either side; None before.

        It is 1006 when the connection ended without a Close frame.
        """
        close = self._connection.sender.closed_with
        return None if close is None else close.code

    @property
    def close_reason(self) -> str | None:
        """Reason of the first Close frame of either side; None before."""
        close = self._connection.sender.closed_with
        return None if close is None else close.reason

    @property
    def state(self) -> SimpleNamespace:
        """Namespace for attributes of the application: ``ws.state.room = room``."""
        if self._state is None:
            self._state = SimpleNamespace()
        return self._state

    # Results

    async def _result(self, future: asyncio.Future[Any]) -> Any:
        """Wait for a result; None and False stand for the end of the connection before it."""
        try:
            result = await asyncio.shield(future)
        except ConnectionClosed as error:  # for example of an iterable that reads from it
            if error.websocket is self:
                self._connection.handler.notice_end(self._connection)
            raise
        if result is None or result is False:
            raise self._connection_closed()
        return None if result is True else result

    def _connection_closed(self) -> ConnectionClosed:
        """Return the error for a task that uses the ended connection.

        With it the handler knows of the end, if the task is its own.
        """
        self._connection.handler.notice_end(self._connection)
        return ConnectionClosed(
            self.close_code or CloseCode.ABNORMAL_CLOSURE, self.close_reason or "", self
        )


def connection_of(websocket: WebSocket) -> Connection:
    """Return the connection behind a WebSocket, for the other layers of c10kws."""
    return websocket._connection
