"""A reader of the bytes of a connection: Tornado's own HTTP1ServerConnection."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from tornado.http1connection import HTTP1Connection, HTTP1ServerConnection
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import BaseIOStream

from .outcome import Outcome, Request, make_request


class MemoryStream(BaseIOStream):
    """A stream that has received all its bytes and does not end; it uses no socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.written = b""
        super().__init__()

    @property
    def unread(self) -> bytes:
        """The bytes that were not read yet."""
        return bytes(self._read_buffer) + self._data

    def fileno(self) -> Any:
        return self

    def close_fd(self) -> None:
        pass

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        size = min(len(buf), len(self._data))
        buf[:size] = self._data[:size]
        self._data = self._data[size:]
        return size or None

    def write_to_fd(self, data: memoryview) -> int:
        self.written += data
        return len(data)

    def _add_io_state(self, state: int) -> None:
        """Wait for no events."""


class Reader(HTTPServerConnectionDelegate):
    """Collects the requests of a connection, and answers them."""

    def __init__(self) -> None:
        self.outcome = Outcome()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> Message:
        assert isinstance(request_conn, HTTP1Connection)
        stream = cast(MemoryStream, request_conn.stream)
        if not stream.closed():
            self.outcome.starts.append(stream.unread)
        return Message(self.outcome, request_conn)


class Message(HTTPMessageDelegate):
    """Collects one request, and answers it."""

    def __init__(self, outcome: Outcome, connection: HTTP1Connection) -> None:
        self._outcome = outcome
        self._connection = connection
        self._ignored = connection.stream.closed()  # Tornado reads on after "Connection: close"
        self._body = b""

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> None:
        self._start_line = cast(RequestStartLine, start_line)
        self._headers = headers
        self._connection.set_max_body_size(2**1000)
        if self._make_request().upgrades and not self._ignored:
            stream = cast(MemoryStream, self._connection.detach())
            self._outcome.requests.append(self._make_request())
            self._outcome.upgraded = stream.unread

    def _make_request(self) -> Request:
        return make_request(*self._start_line, self._headers.get_all(), self._body)

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk

    def finish(self) -> None:
        if self._ignored:
            return
        self._outcome.requests.append(self._make_request())
        head = ResponseStartLine("HTTP/1.1", 200, "OK")
        self._connection.write_headers(head, HTTPHeaders({"Content-Length": "0"}))
        self._connection.finish()


async def read_with_tornado(data: bytes) -> Outcome:
    """Return what Tornado reads in the bytes of one connection."""
    stream, reader = MemoryStream(data), Reader()
    connection = HTTP1ServerConnection(stream)  # type: ignore[arg-type]
    connection.start_serving(reader)
    while not stream.closed() and not stream.reading() and reader.outcome.upgraded is None:
        await asyncio.sleep(0)
    if stream.written.endswith(b"HTTP/1.1 400 Bad Request\r\n\r\n") or stream.error is not None:
        reader.outcome.refusal = 400
    elif stream.closed():
        reader.outcome.closed = True
        reader.outcome.starts.append(stream.unread)
    await connection.close()
    return reader.outcome
