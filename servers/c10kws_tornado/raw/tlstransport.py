"""An asyncio transport over Tornado's TLS stream, which buffers decrypted bytes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from typing import Any

from tornado.iostream import IOStream, StreamClosedError

from .protocols import feed, report, water_marks
from .writequeue import WriteQueue

READ_SIZE = 64 * 1024
#: Bytes that Tornado gets at a time; it reports when all of them were sent.
WRITE_SIZE = 64 * 1024


class TLSTransport(asyncio.Transport):
    """A transport that reads and writes one piece at a time and counts unsent bytes."""

    def __init__(
        self, stream: IOStream, protocol: asyncio.Protocol, pending: Any | None = None
    ) -> None:
        super().__init__(_extra_info(stream.socket))
        self._stream = stream
        self._protocol: asyncio.BaseProtocol = protocol
        self._pending = pending
        self._queue = WriteQueue()
        self._in_flight = 0  # bytes that Tornado has not sent
        self._paused = False
        self._closing = False
        self._high, self._low = water_marks()
        self._reading = True
        self._undelivered: bytes | None = None  # read before a pause
        loop = asyncio.get_running_loop()
        # After two turns: a task created in this turn runs first and can wait for the first bytes.
        loop.call_soon(loop.call_soon, self._begin)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = protocol

    def get_protocol(self) -> asyncio.BaseProtocol:
        return self._protocol

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        data, self._undelivered = self._undelivered, None
        if data is not None:
            asyncio.get_running_loop().call_soon(self._deliver, data)

    def is_reading(self) -> bool:
        return self._reading

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._high, self._low = water_marks(high, low)

    def get_write_buffer_size(self) -> int:
        return self._queue.size + self._in_flight

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        self.writelines([data])

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview[Any]]) -> None:
        if self._stream.closed() or self._closing:
            return
        for data in list_of_data:
            self._queue.add(data)
        self._send_more()
        if self.get_write_buffer_size() > self._high and not self._paused:
            self._paused = True
            self._protocol.pause_writing()

    def _send_more(self) -> None:
        while self._queue.size and not self._in_flight and not self._stream.closed():
            chunk = self._queue.take(WRITE_SIZE)
            sent = self._stream.write(chunk)
            if not sent.done():
                self._in_flight = len(chunk)
                sent.add_done_callback(self._sent)

    def can_write_eof(self) -> bool:
        return False

    def close(self) -> None:
        """Send the queued data, then close."""
        if not self._closing:
            self._closing = True
            if not self.get_write_buffer_size():
                self._stream.close()

    def abort(self) -> None:
        self._closing = True
        self._stream.close()

    def _sent(self, sent: asyncio.Future[None]) -> None:
        if sent.cancelled() or sent.exception() is not None:
            return
        self._in_flight = 0
        self._send_more()
        unsent = self.get_write_buffer_size()
        if self._closing and not unsent:
            self._stream.close()
        elif self._paused and unsent <= self._low:
            self._paused = False
            self._protocol.resume_writing()

    def _begin(self) -> None:
        try:
            self._protocol.connection_made(self)
        except Exception as error:
            self._protocol_failed(error)
        self._stream.set_close_callback(self._closed)
        if self._stream.closed():  # Tornado does not call the callback then
            asyncio.get_running_loop().call_soon(self._closed)
        else:
            self._read()

    def _read(self) -> None:
        if not self._closing:
            pending, self._pending = self._pending, None
            reading = pending or self._stream.read_bytes(READ_SIZE, partial=True)
            asyncio.ensure_future(reading).add_done_callback(self._take)

    def _take(self, reading: asyncio.Future[bytes]) -> None:
        if reading.cancelled() or reading.exception() is not None:
            return  # the close callback informs the protocol
        self._deliver(reading.result())

    def _deliver(self, data: bytes) -> None:
        """Deliver from a callback: a task that a protocol resumes cannot run inside another."""
        if not self._reading:
            self._undelivered = data
            return
        try:
            feed(self._protocol, data, self)
            self._read()
        except StreamClosedError:
            pass  # the close callback informs the protocol
        except Exception as error:
            self._protocol_failed(error)

    def _protocol_failed(self, error: Exception) -> None:
        """Log the exception of a protocol and close, as asyncio's own transports do."""
        report(asyncio.get_running_loop(), self._protocol, error)
        self.abort()

    def _closed(self) -> None:
        self._closing = True
        error = self._stream.error
        self._protocol.connection_lost(error if isinstance(error, Exception) else None)


def _extra_info(sock: Any) -> dict[str, Any]:
    """Return the data of ``get_extra_info``; empty for a disconnected client."""
    if not isinstance(sock, ssl.SSLSocket):  # closed
        return {}
    try:
        names = {"peername": sock.getpeername(), "sockname": sock.getsockname()}
    except OSError:
        return {}
    return names | {"socket": sock, "ssl_object": sock, "sslcontext": sock.context}
