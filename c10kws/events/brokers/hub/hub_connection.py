"""``HubConnection``: the connection of a process to the hub."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import cast

from ..history import HistoryLimits, Position
from ..link.connection import BrokerConnection, ConnectionLost, Deliver, LastRow, Outgoing, Refused
from . import codec
from .framing import MAX_FRAME, FrameParser, ProtocolError, frame

logger = logging.getLogger("c10kws.brokers")

#: Bytes of messages that wait for this process. Above this limit, the hub must keep them.
MAX_BYTES = 1024 * 1024
#: Bytes of a frame besides the channel and the payload, at most.
OVERHEAD = 1024

Row = tuple[Position, bytes]
_Arrived = tuple[str, bytes, Position | None]
Answer = tuple[int, object]


class HubConnection(BrokerConnection):
    """Sends questions, which the hub answers in their order, and receives messages."""

    def __init__(self, connect: Callable[[], Awaitable[socket.socket]]) -> None:
        self._connect = connect
        self._stream = _Stream()

    async def open(self) -> None:
        connection = await self._connect()
        loop = asyncio.get_running_loop()
        try:
            await loop.create_unix_connection(lambda: self._stream, sock=connection)
        except OSError as error:
            connection.close()
            raise ConnectionLost(str(error)) from error
        except asyncio.CancelledError:
            connection.close()
            raise
        _descriptors.add(connection)
        self._stream.descriptor = connection
        await self._ask(codec.WELCOME, codec.hello(os.getpid()))

    async def run(self, deliver: Deliver) -> None:
        stream = self._stream
        while True:
            while stream.messages:
                channel, payload, position = stream.take()
                await deliver(channel, payload, position)
            stream.check()
            await stream.wait()

    async def subscribe(self, channels: Sequence[str]) -> None:
        await self._send(codec.channels(codec.SUBSCRIBE, channels))

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await self._send(codec.channels(codec.UNSUBSCRIBE, channels))

    async def publish(self, batch: Sequence[Outgoing]) -> Sequence[Exception | None]:
        errors = [_error_of(len(each.payload), each.channel) for each in batch]
        await self._send(
            codec.publish(each.channel, each.payload, each.limits)
            for each, error in zip(batch, errors, strict=True)
            if error is None
        )
        return errors

    async def publish_after(
        self, expected: Position, messages: Sequence[Outgoing]
    ) -> Position | LastRow:
        payloads = [message.payload for message in messages]
        size = sum(map(len, payloads))
        error = _error_of(size, messages[0].channel)
        if error is not None:
            raise error
        data = codec.update(expected, messages[0].channel, payloads, messages[0].limits)
        ((kind, found),) = await self._stream.ask(data)
        if kind not in (codec.PLACE, codec.LAST):
            raise _unexpected(kind)
        return cast("Position | LastRow", found)

    async def last(self, channel: str, limits: HistoryLimits) -> LastRow:
        data = codec.update(None, channel, (), limits)
        return cast(LastRow, await self._ask(codec.LAST, data))

    async def position(self, channel: str, limits: HistoryLimits) -> Position:
        place = await self._ask(codec.PLACE, codec.ask_position(channel, limits))
        return cast(Position, place)

    async def positions(self, channels: Sequence[tuple[str, HistoryLimits]]) -> Sequence[Position]:
        questions = [codec.ask_position(*each) for each in channels]
        return cast("list[Position]", await self._ask_all(codec.PLACE, questions))

    async def rows(self, channel: str, since: Position) -> Sequence[Row] | None:
        if not codec.is_possible(since):
            return None
        return cast("list[Row] | None", await self._ask(codec.END, codec.ask_rows(channel, since)))

    async def rows_of(
        self, channels: Sequence[tuple[str, Position]]
    ) -> Sequence[Sequence[Row] | None]:
        possible = {name: since for name, since in channels if codec.is_possible(since)}
        questions = [codec.ask_rows(*each) for each in possible.items()]
        answers = await self._ask_all(codec.END, questions)
        found = cast("dict[str, list[Row] | None]", dict(zip(possible, answers, strict=True)))
        return [found.get(name) for name, _ in channels]

    async def ping(self) -> None:
        await self._send(())

    async def close(self) -> None:
        self._stream.abort()

    async def _send(self, frames: Iterable[bytes]) -> None:
        """Send frames, and return when the hub has handled them."""
        await self._ask(codec.PONG, b"".join((*frames, frame(codec.PING))))

    async def _ask(self, expected: int, data: bytes) -> object:
        (result,) = await self._ask_all(expected, [data])
        return result

    async def _ask_all(self, expected: int, questions: Sequence[bytes]) -> list[object]:
        """Send questions in one write, and return the contents of their answers."""
        results = []
        for kind, result in await self._stream.ask(*questions):
            if kind != expected:
                raise _unexpected(kind)
            results.append(result)
        return results


def _unexpected(kind: int) -> ConnectionLost:
    return ConnectionLost(f"the hub has answered with a frame of the kind {kind}")


def _error_of(size: int, channel: str) -> Refused | None:
    """Return the error for payloads that do not fit into a frame."""
    size += 4 * len(channel) + OVERHEAD
    if size > MAX_FRAME:
        return Refused(f"it has {size} bytes, and the hub carries at most {MAX_FRAME}")
    return None


class _Stream(asyncio.Protocol):
    """The stream of a connection: passes answers to those who wait, and queues messages."""

    def __init__(self) -> None:
        self.descriptor: socket.socket | None = None
        self.messages: deque[_Arrived] = deque()
        self._bytes = 0
        self._parser = FrameParser()
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[asyncio.Future[Answer]] = deque()
        self._rows: list[Row] = []
        self._changed = asyncio.Event()
        self._lost: ConnectionLost | None = None

    # For HubConnection

    async def ask(self, *questions: bytes) -> list[Answer]:
        """Send questions, and return the kind and the content of each answer."""
        self.check()
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        answers: list[asyncio.Future[Answer]] = [loop.create_future() for _ in questions]
        self._waiting.extend(answers)
        self._transport.write(b"".join(questions))
        return await asyncio.gather(*answers)

    def take(self) -> _Arrived:
        """Return the next message."""
        message = self.messages.popleft()
        self._bytes -= len(message[1])
        if self._transport is not None and self._bytes <= MAX_BYTES:
            self._transport.resume_reading()
        return message

    async def wait(self) -> None:
        """Return when there are messages, or when the connection is lost."""
        await self._changed.wait()
        self._changed.clear()

    def check(self) -> None:
        """Raise :exc:`ConnectionLost` if the connection is lost."""
        if self._lost is not None:
            raise self._lost

    def abort(self) -> None:
        """Disconnect."""
        self._lose("it was closed")
        if self._transport is not None:
            self._transport.abort()

    # For asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._parser.receive_data(data):
                self._handle(kind, codec.Body(body))
        except ProtocolError as error:
            self._lose(f"the hub has sent {error}")
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._lose("the hub has closed the connection")

    def _lose(self, reason: str) -> None:
        if self._lost is not None:
            return
        self._lost = ConnectionLost(reason)
        self._changed.set()
        for answer in self._waiting:
            if not answer.done():
                answer.set_exception(self._lost)
        if self.descriptor is not None:
            _descriptors.discard(self.descriptor)

    # Frames

    def _handle(self, kind: int, body: codec.Body) -> None:
        match kind:
            case codec.MESSAGE:
                position = body.position()
                self._put((body.text(), body.rest(), position))
            case codec.PONG | codec.WELCOME:
                self._answer(kind, None)
            case codec.PLACE:
                self._answer(kind, codec.required(body.position()))
            case codec.LAST:
                position = codec.required(body.position())
                self._answer(kind, LastRow(position, body.row()))
            case codec.ROW:
                self._rows.append((codec.required(body.position()), body.rest()))
            case codec.END:
                rows, self._rows = self._rows, []
                self._answer(kind, rows)
            case codec.MISSING:
                self._answer(codec.END, None)
            case codec.REFUSED:
                self._lose(body.rest().decode("utf-8", "replace"))
            case codec.LOG:
                logger.warning("The hub: %s", body.rest().decode("utf-8", "replace"))
            case _:
                raise ProtocolError(f"a frame of the kind {kind}")

    def _put(self, message: _Arrived) -> None:
        self.messages.append(message)
        self._bytes += len(message[1])
        self._changed.set()
        if self._bytes > MAX_BYTES and self._transport is not None:
            self._transport.pause_reading()

    def _answer(self, kind: int, content: object) -> None:
        if not self._waiting:
            raise ProtocolError("an answer without a question")
        answer = self._waiting.popleft()
        if not answer.done():
            answer.set_result((kind, content))


#: The sockets of this process.
_descriptors: weakref.WeakSet[socket.socket] = weakref.WeakSet()


def _close_in_child() -> None:
    """Close the connections of the parent process, so that the hub notices when the parent ends.

    Only this child's copies are closed. Its event loops, which are copies too, are not changed.
    """
    for each in list(_descriptors):
        os.close(each.detach())
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
