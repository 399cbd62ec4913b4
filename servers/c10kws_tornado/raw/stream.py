"""``c10kws.stream``: the raw stream of a connection after its 101."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Callable
from typing import Any, Protocol, cast

from tornado.http1connection import HTTP1Connection
from tornado.iostream import IOStream, StreamClosedError

from .protocols import feed
from .sockettransport import SocketTransport
from .tlstransport import TLSTransport

ProtocolFactory = Callable[[], asyncio.BaseProtocol]


class HTTPStream(Protocol):
    """The stream of an HTTP connection that is about to switch protocols."""

    @property
    def half_closed(self) -> bool:
        """True when the client has closed its half."""

    def closed(self) -> bool:
        """Return True when the connection has ended."""

    def write(self, data: bytes) -> asyncio.Future[None]:
        """Write; the future is done when the kernel has taken the data."""

    def limit_unsent(self, size: int) -> None:
        """Limit the bytes that the kernel queues unsent; 0 for its own limit."""


class RawStream:
    """The stream of one request. ``attach`` it once, on the loop's thread."""

    __slots__ = (
        "_attached",
        "_connecting",
        "_early",
        "_pending",
        "_socket",
        "_tls",
        "_unwanted",
        "transport",
        "upgraded",
    )

    def __init__(self) -> None:
        self.upgraded = False
        self.transport: asyncio.Transport | None = None
        self._early = b""
        self._attached = False
        self._unwanted = False
        self._socket: socket.socket | None = None
        self._tls: IOStream | None = None
        self._pending: asyncio.Future[bytes] | None = None
        self._connecting: asyncio.Task[object] | None = None

    def switch(
        self, connection: HTTP1Connection, head: bytes, timeout: float, done: Callable[[], object]
    ) -> None:
        """Send the head of the 101 and take the stream from Tornado when it was sent; on the loop.

        ``done`` is called then, or when the client has disconnected or read nothing for ``timeout``
        seconds. ``upgraded`` tells the two apart.
        """
        stream = cast(HTTPStream | None, connection.stream)  # None when the client disconnected
        if stream is None or stream.closed() or stream.half_closed:
            connection.close()
            done()
            return
        flushed = stream.write(head)
        # Usually it is sent by now. In another turn of the loop Tornado would read what follows.
        if flushed.done():
            self._flushed(connection, flushed)
            done()
            return

        self._await_flush(connection, flushed, timeout, done)

    def _await_flush(
        self,
        connection: HTTP1Connection,
        flushed: asyncio.Future[None],
        timeout: float,
        done: Callable[[], object],
    ) -> None:
        def end() -> None:
            timer.cancel()
            if flushed.done():
                self._flushed(connection, flushed)
            else:
                connection.close()
            done()

        timer = asyncio.get_running_loop().call_later(timeout, end)
        flushed.add_done_callback(lambda _: None if timer.cancelled() else end())

    def _flushed(self, connection: HTTP1Connection, flushed: asyncio.Future[None]) -> None:
        if flushed.exception() is not None or connection.stream.closed():
            return
        if self._unwanted:  # the loop was blocked for so long that the caller has given up
            connection.close()
            return
        try:
            cast(HTTPStream, connection.stream).limit_unsent(0)
            self._take(connection.detach())
        except OSError:
            return  # the client has disconnected
        self.upgraded = True

    def _take(self, stream: IOStream) -> None:
        # One read returns all buffered bytes, or stays pending when there are none.
        early = asyncio.ensure_future(stream.read_bytes(stream.max_buffer_size, partial=True))
        if early.done():
            self._early = early.result()
        if isinstance(stream.socket, ssl.SSLSocket):
            # asyncio refuses an SSLSocket, and the IOStream holds decrypted bytes.
            self._tls = stream
            self._pending = None if early.done() else early
            return
        if stream.closed():
            raise StreamClosedError
        if not early.done():
            early.add_done_callback(lambda future: future.exception())
        self._socket = stream.socket.dup()
        stream.close()

    def attach(self, protocol_factory: ProtocolFactory) -> None:
        """Connect a protocol, which gets ``connection_made`` in one of the loop's next turns.

        Bytes that the client sent early are delivered from within it. Raises RuntimeError when
        the 101 was not sent, or the second time.
        """
        if not self.upgraded:
            raise RuntimeError("The 101 was not sent; check `upgraded` before calling attach().")
        if self._attached:
            raise RuntimeError("The stream is already attached.")
        self._attached = True
        first = EarlyBytes(self, protocol_factory, self._early)
        self._early = b""
        self._connect(asyncio.get_running_loop(), first)

    def _connect(self, loop: asyncio.AbstractEventLoop, first: EarlyBytes) -> None:
        if self._tls is not None:
            self.transport = TLSTransport(self._tls, first, self._pending)
            self._tls = self._pending = None
            return
        assert self._socket is not None
        if isinstance(loop, BaseSelectorEventLoop):
            self.transport = SocketTransport(loop, self._socket, first)
        else:
            self._connecting = loop.create_task(
                loop.connect_accepted_socket(lambda: first, self._socket)
            )
            self._connecting.add_done_callback(self._connected)
        self._socket = None

    def _connected(self, task: asyncio.Task[object]) -> None:
        """Drop the task: its result would hold memory that an idle client does not need."""
        self._connecting = None

    def close_unattached(self) -> None:
        """Close a stream that was not attached; on the loop."""
        if self._attached:
            return
        self._attached = self._unwanted = True
        if self._socket is not None:
            self._socket.close()
        if self._tls is not None:
            self._tls.close()

    @property
    def ended(self) -> bool:
        """True when its transport is closing or closed, or it will never have one."""
        if self.transport is None:
            return self._unwanted
        return self.transport.is_closing()

    def abort(self) -> None:
        """End the connection at once; on the loop."""
        self.close_unattached()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.abort()


class EarlyBytes(asyncio.Protocol):
    """The first protocol of a stream; installs the real one and delivers early bytes to it."""

    def __init__(self, stream: RawStream, protocol_factory: ProtocolFactory, early: bytes) -> None:
        self._stream = stream
        self._protocol_factory = protocol_factory
        self._early = early

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Install the real protocol."""
        self._stream.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        protocol = self._protocol_factory()
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        feed(protocol, self._early, transport)


def may_upgrade(environ: dict[str, Any]) -> bool:
    """Return True if the client asked for an upgrade, and not over HTTP/1.0 (RFC 9110 §7.8)."""
    return (
        "HTTP_UPGRADE" in environ
        and environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        and environ.get("CONTENT_LENGTH", "0") == "0"
    )
