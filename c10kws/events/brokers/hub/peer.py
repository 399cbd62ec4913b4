"""``Peer``: a process that is connected to the hub, as the hub sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

from . import codec
from .framing import FrameParser, ProtocolError, frame
from .hub import Hub

#: Bytes queued for a peer. Above this limit, its process is disconnected: it does not read.
MAX_QUEUE_BYTES = 8 * 1024 * 1024
#: Seconds within which a peer must send HELLO.
HELLO_TIMEOUT = 5.0

Handler = Callable[[codec.Body], None]


class Peer(asyncio.Protocol):
    """Handles the frames of one process, and queues frames for it."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._parser = FrameParser()
        self._process: int | None = None  # None until HELLO
        self._queue: list[bytes] = []
        self._queued = 0
        self._max_queued = MAX_QUEUE_BYTES
        self._is_full = False  # the process does not read as fast as the hub writes
        self._deferring = False  # its next frames are handled when it has read the rows
        self._closed = False
        self._handlers: dict[int, Handler] = {
            codec.PUBLISH: self._publish,
            codec.SUBSCRIBE: self._subscribe,
            codec.UNSUBSCRIBE: self._unsubscribe,
            codec.PING: self._ping,
            codec.POSITION: self._position,
            codec.READ: self._read,
            codec.UPDATE: self._update,
        }

    # The connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(HELLO_TIMEOUT, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._parser.receive_data(data):
                self._handle(kind, codec.Body(body))
                if self._deferring:
                    break
        except ProtocolError as error:
            self._hub.log(f"Process {self._process} was disconnected: it sent {error}.")
            self._close()
        self._hub.flush()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False
        if self._deferring:
            self._deferring = False
            self._max_queued = MAX_QUEUE_BYTES
            self._transport.resume_reading()
            self.data_received(b"")

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        self._timer.cancel()
        self._hub.leave(self)

    def _close(self) -> None:
        self._closed = True
        self._transport.abort()

    # Frames from the process

    def _handle(self, kind: int, body: codec.Body) -> None:
        if self._closed:
            return
        if self._process is None:
            self._greet(kind, body)
        elif kind in self._handlers:
            self._handlers[kind](body)
        else:
            raise ProtocolError(f"a frame of the kind {kind}")

    def _greet(self, kind: int, body: codec.Body) -> None:
        if kind != codec.HELLO:
            raise ProtocolError("no HELLO")
        version, process = body.greeting()
        self._timer.cancel()
        if version != codec.FORMAT:
            reason = f"the hub has the format {codec.FORMAT}, this process the format {version}"
            self._transport.write(codec.text_frame(codec.REFUSED, reason))
            self._closed = True
            self._transport.close()
            return
        self._process = process
        self._transport.write(frame(codec.WELCOME))
        self._hub.join(self)

    def _publish(self, body: codec.Body) -> None:
        limits = body.limits()
        self._hub.publish(body.text(), body.rest(), limits)

    def _subscribe(self, body: codec.Body) -> None:
        self._hub.subscribe(self, body.texts())

    def _unsubscribe(self, body: codec.Body) -> None:
        self._hub.unsubscribe(self, body.texts())

    def _ping(self, body: codec.Body) -> None:
        body.end()
        self._answer(frame(codec.PONG))

    def _position(self, body: codec.Body) -> None:
        limits = body.limits()
        channel = body.text()
        body.end()
        if limits is None:
            raise ProtocolError("a question without limits")
        self._answer(codec.place(self._hub.position(channel, limits)))

    def _read(self, body: codec.Body) -> None:
        since = codec.required(body.position())
        channel = body.text()
        body.end()
        rows = self._hub.rows(channel, since)
        if rows is None:
            self._answer(frame(codec.MISSING))
        else:
            parts = [codec.row(position, payload) for position, payload in rows]
            self._send_rows(b"".join((*parts, frame(codec.END))))

    def _send_rows(self, data: bytes) -> None:
        """Send rows, and wait until they are read: the process may have many such questions."""
        self._max_queued = MAX_QUEUE_BYTES + len(data)
        self._answer(data)
        if self._is_full:
            self._deferring = True
            self._transport.pause_reading()
        else:
            self._max_queued = MAX_QUEUE_BYTES

    def _update(self, body: codec.Body) -> None:
        expected, limits = body.position(), body.limits()
        channel, payloads = body.text(), body.payloads()
        if limits is None:
            raise ProtocolError("an update without limits")
        position, row = self._hub.last(channel, limits)
        if position != expected:
            self._answer(codec.last(position, row))
            return
        for payload in payloads:
            position = codec.required(self._hub.publish(channel, payload, limits))
        self._answer(codec.place(position))

    # Frames to the process

    def send(self, data: bytes) -> bool:
        """Queue frames; return False if this peer is closed.

        A process that does not read is disconnected, so that the others need not wait for it.
        """
        if self._closed:
            return False
        if not self._queue:
            self._queued = self._transport.get_write_buffer_size()
        if self._queued > self._max_queued:
            self._close()
            self._hub.log(
                f"Process {self._process} was disconnected: it did not read {self._queued} bytes."
            )
            return False
        self._queue.append(data)
        self._queued += len(data)
        return True

    def _answer(self, data: bytes) -> None:
        self.send(data)
        self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        if self._queue and not self._closed:
            self._transport.write(b"".join(self._queue))
        self._queue.clear()
