"""The connection of a request that Tornado's own handler serves."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any, cast

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPOutputError,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream, StreamClosedError

from .accesslog import AccessLine
from .http.errorresponse import ErrorResponse
from .http.protocol import HTTPProtocol
from .http.requesthead import RequestHead, has_option
from .http.responseframing import ResponseFraming
from .http.responsehead import ResponseHead
from .raw.detachedstream import detach
from .safelogger import get_logger

logger = get_logger("c10kws_tornado")


class ConnectionContext:
    """The client, as ``tornado.httputil.HTTPServerRequest`` expects it."""

    def __init__(self, connection: HTTPProtocol) -> None:
        address = connection.address
        self.address = address
        self.remote_ip: str = address[0] if isinstance(address, tuple) else "0.0.0.0"
        encrypted = connection.transport.get_extra_info("sslcontext") is not None
        self.protocol = "https" if encrypted else "http"


class ConnectionStream:
    """The few attributes of a stream that Tornado reads while the connection is HTTP's."""

    def __init__(self, connection: HTTPProtocol) -> None:
        self._connection = connection

    @property
    def socket(self) -> Any:
        """The socket; an ``ssl.SSLSocket`` for TLS."""
        return self._connection.transport.get_extra_info("socket")

    def closed(self) -> bool:
        """Return True when the connection has ended."""
        return self._connection.closed

    def set_nodelay(self, value: bool) -> None:
        """Keep Nagle's algorithm disabled."""


class HandlerConnection(HTTPConnection):
    """One request's connection for Tornado; records status and size for the access line.

    ``on_end`` is called when the response was sent, ``on_detach`` with a stream that the handler
    takes over.
    """

    def __init__(
        self,
        connection: HTTPProtocol,
        head: RequestHead,
        line: AccessLine,
        on_detach: Callable[[HandlerConnection, IOStream], object],
        on_end: Callable[[], object],
    ) -> None:
        self._connection = connection
        self._on_detach = on_detach
        self._on_end = on_end
        self._request = head.start_line
        self._keep_alive = head.keeps_alive
        self._framing: ResponseFraming | None = None
        self._left: int | None = None  # bytes of the body, if its length is known
        self._flushing: list[asyncio.Future[None]] = []
        self._close_callback: Callable[[], None] | None = None
        self._finished = False
        self._detached = False
        self.line = line
        self.context = ConnectionContext(connection)
        self.stream = ConnectionStream(connection)
        #: Longest body that the handler accepts.
        self.max_body_size = 0

    # Called by Tornado

    def set_max_body_size(self, max_body_size: int) -> None:
        """Set the limit of the body of this request."""
        self.max_body_size = max_body_size

    def set_body_timeout(self, timeout: float) -> None:
        """Ignore the timeout: the server's limits of bodies apply."""

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Call when the client disconnects after its request."""
        self._close_callback = callback

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Write the head with the first piece of the body."""
        status = cast(ResponseStartLine, start_line)
        if not self._connection.closed:
            self.line.status = status.code
        headers.pop("Transfer-Encoding", None)  # the server decides
        head = self._make_head(status, headers)
        self._framing = ResponseFraming(
            head, method=self._request.method, version=self._request.version
        )
        self._left = head.length
        if self._request.method == "HEAD" or status.code == 304:
            self._left = 0
        return self._write(self._framing.encode_head(), chunk or b"")

    def _keeps_alive(self, headers: HTTPHeaders) -> bool:
        """Return False if a side wants to close, or the end of the connection ends the body."""
        framed = self._request.version == "HTTP/1.1" or "Content-Length" in headers
        return (
            self._keep_alive and framed and not has_option(headers.get("Connection", ""), "close")
        )

    def _make_head(self, start_line: ResponseStartLine, headers: HTTPHeaders) -> ResponseHead:
        self._keep_alive = self._keeps_alive(headers)
        if not self._keep_alive:
            headers["Connection"] = "close"
        elif self._request.version != "HTTP/1.1":
            headers["Connection"] = "Keep-Alive"
        fields = [(str(name), str(value)) for name, value in headers.get_all()]
        for each in (start_line.reason, *(text for field in fields for text in field)):
            if "\r" in each or "\n" in each:
                raise ValueError(f"Illegal characters (CR or LF) in header: {each!r}")
        length = headers.get("Content-Length")
        return ResponseHead(
            start_line.code,
            start_line.reason,
            fields,
            not self._keep_alive,
            None if length is None else int(length),
        )

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Write a piece of the body."""
        return self._write(b"", chunk)

    def _write(self, head: bytes, chunk: bytes) -> asyncio.Future[None]:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._connection.closed:
            future.set_exception(StreamClosedError())
            future.exception()
            return future
        self._count(len(chunk))
        if chunk and self._framing is not None:
            chunk = self._framing.encode_piece(chunk)
        if self._connection.output.write(head + chunk):
            future.set_result(None)
        else:
            self._flushing.append(future)
            self._connection.output.when_drained(self._flushed)
        return future

    def _count(self, size: int) -> None:
        self.line.size += size
        if self._left is not None:
            self._left -= size
            if self._left < 0:
                self._connection.abort()
                raise HTTPOutputError("Tried to write more data than Content-Length")

    def finish(self) -> None:
        """End the response."""
        if self._left and not self._connection.closed:
            self._connection.abort()
            raise HTTPOutputError(f"Tried to write {self._left} bytes less than Content-Length")
        self._finished = True
        if self._connection.closed:
            return
        end = self._framing.end if self._framing is not None else b""
        if self._flushing or (end and not self._connection.output.write(end)):
            if self._flushing and end:
                self._connection.output.write(end)
            self._connection.output.when_drained(self._flushed)
        else:
            self._end_soon()

    def _flushed(self) -> None:
        """Resolve the futures of all writes."""
        flushing, self._flushing = self._flushing, []
        for future in flushing:
            if not future.done():
                future.set_result(None)
        if self._finished:
            self._end_soon()

    def _end_soon(self) -> None:
        """End the request in the next turn, unless the handler detaches the stream in this one."""
        asyncio.get_running_loop().call_soon(self._end)

    def _end(self) -> None:
        if not (self._detached or self._connection.lost):
            self._on_end()
            self._connection.response_sent(close=not self._keep_alive)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def detach(self) -> IOStream:
        """Detach the stream, for the handler."""
        self._detached = True
        connection = self._connection
        if connection.closed:
            stream = IOStream(socket.socket())
            stream.close()
        else:
            connection.release()
            stream = detach(connection.transport, connection.take_early())
        self._flushed()
        self._on_end()
        self._on_detach(self, stream)
        return stream

    # Called by the server

    def refuse_body(self, error: ErrorResponse, *, linger: bool) -> None:
        """Send an error response, unless a response has begun, and close."""
        if self.line.status:
            self._connection.close()
        elif not self._connection.closed:
            self.line.status = error.code
            self._connection.refuse(error.encode(), linger=linger)

    def connection_lost(self) -> None:
        """Notify the handler that its client has disconnected."""
        callback, self._close_callback = self._close_callback, None
        try:
            if callback is not None:
                callback()
        except BaseException:  # the request must end whatever the handler does
            logger.exception("%s: on_connection_close() raised.", self.line.escaped)
        self._flushed()
