"""Tornado's IOStream for a handler that takes its connection over."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any

from tornado.iostream import IOStream, SSLIOStream

from .sockettransport import SocketTransport
from .tlstransport import TLSTransport

#: The buffer size of a stream with a WebSocket, which must hold a frame: Tornado's default. A
#: message is limited by ``websocket_max_message_size``, 10 MiB by default.
MAX_BUFFER_SIZE = 100 * 1024 * 1024


class DetachedStream(IOStream):
    """A stream that begins with the ``early`` bytes, which were read before."""

    def __init__(self, *args: Any, early: bytes, **kwargs: Any) -> None:
        self._early = early
        super().__init__(*args, max_buffer_size=MAX_BUFFER_SIZE, **kwargs)

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read early bytes, then those of the socket."""
        if not self._early:
            return super().read_from_fd(buf)
        size = min(len(buf), len(self._early))
        buf[:size] = self._early[:size]
        self._early = self._early[size:]
        return size


class DetachedTLSStream(DetachedStream, SSLIOStream):
    """A stream with TLS."""

    def close_fd(self) -> None:
        """Send close_notify (RFC 8446 §6.1) if no data is unsent."""
        if not self.writing():
            with suppress(OSError, ValueError):  # disconnected
                self.socket.unwrap()
        super().close_fd()


class QueuedStream(DetachedStream):
    """A stream on a duplicate of the socket, which writes after the transport has sent its data."""

    def __init__(self, *args: Any, transport: asyncio.Transport, **kwargs: Any) -> None:
        self._transport = transport
        super().__init__(*args, **kwargs)

    def write_to_fd(self, data: memoryview) -> int:
        """Write; nothing while the transport has unsent data."""
        if self._transport.get_write_buffer_size():
            return 0
        if not self._transport.is_closing():
            self._transport.abort()
        return super().write_to_fd(data)

    def close_fd(self) -> None:
        """Close the transport's descriptor, too, after its data was sent."""
        self._transport.close()
        super().close_fd()


def detach(transport: asyncio.Transport, early: bytes) -> IOStream:
    """Return a stream in place of a transport, whose protocol is not called again."""
    if not isinstance(transport, SocketTransport | TLSTransport):
        transport.pause_reading()
        transport.set_protocol(asyncio.Protocol())
        duplicate = transport.get_extra_info("socket").dup()
        duplicate.setblocking(False)
        return QueuedStream(duplicate, transport=transport, early=early)
    connection, unsent = transport.detach()
    kind = DetachedTLSStream if isinstance(connection, ssl.SSLSocket) else DetachedStream
    stream = kind(connection, early=early)
    for data in unsent:
        stream.write(bytes(data))
    return stream
