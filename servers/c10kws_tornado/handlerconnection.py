"""The connection of a request that Tornado's own handler serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPConnection, HTTPHeaders, RequestStartLine, ResponseStartLine
from tornado.iostream import IOStream

from .accesslog import AccessLine
from .http.errorresponse import stalled_body
from .http.iostreams import PlainStream, TLSStream


class HandlerConnection(HTTPConnection):
    """The connection as Tornado's handler sees it; records status and size for the access line."""

    def __init__(
        self,
        connection: HTTP1Connection,
        line: AccessLine,
        on_detach: Callable[[IOStream], object],
    ) -> None:
        self._connection = connection
        self._on_detach = on_detach
        self.line = line

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        """Write the head with the first piece of the body."""
        if not self._connection.stream.closed():
            self.line.status = cast(ResponseStartLine, start_line).code
            self.line.size += len(chunk or b"")
        return self._connection.write_headers(start_line, headers, chunk)

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        """Write a piece of the body."""
        if not self._connection.stream.closed():
            self.line.size += len(chunk)
        return self._connection.write(chunk)

    def finish(self) -> None:
        """End the response."""
        self._connection.finish()

    def refuse_stalled_body(self) -> None:
        """Send 408, unless a response has begun, and close."""
        stream = self._connection.stream
        if not stream.closed() and not self.line.status:
            self.line.status = 408
            stream.write(stalled_body().encode())
        self._connection.close()

    def detach(self) -> IOStream:
        """Detach the stream, for the handler."""
        stream = self._connection.detach()
        assert isinstance(stream, PlainStream | TLSStream)
        stream.on_parse_error = None
        self._on_detach(stream)
        return stream
