"""An incoming request, from its head until a thread of the pool takes it."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPMessageDelegate, RequestStartLine, ResponseStartLine

from ..accesslog import AccessLine
from ..pool import PoolFull
from ..safelogger import get_logger
from .environ import BadRequest, check_head, head_size, make_environ, prepare_expect, set_body
from .errorresponse import ErrorResponse, head_too_large, plain_error, too_large, unavailable
from .exchange import Exchange
from .iostreams import PlainStream
from .peer import Peer
from .requestbody import RequestBody
from .resources import Resources

logger = get_logger("c10kws_tornado")

#: Disables Tornado's own limit of a body, since ours answers with 413. ``int()`` refuses more
#: digits than this number has.
NO_LIMIT = 10**4300


class IncomingRequest(HTTPMessageDelegate):
    """One request. Tornado calls the four public methods of a delegate on the loop's thread."""

    def __init__(
        self,
        resources: Resources,
        server_connection: object,
        connection: HTTP1Connection,
        peer: Peer,
    ) -> None:
        self._resources = resources
        self._limits = resources.limits
        self._connections = resources.connections
        self._server_connection = server_connection
        self._connection = connection
        self._peer = peer
        self._environ: dict[str, Any] = {}
        self._body: RequestBody | None = None
        self._has_body = False
        self._line: AccessLine | None = None
        self._exchange: Exchange | None = None
        self._refused = False
        self._running = False
        self._ignored = False
        self._linger: asyncio.TimerHandle | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Check the head. An error response is sent before the body and before 100-continue."""
        start_line = cast(RequestStartLine, start_line)
        if self._connection.stream.closed():  # RFC 9112 §9.6: pipelined after a "close"
            self._ignored = True
            return None
        self._connections.begin(self._server_connection)
        self._running = True
        self._resources.requests.add(self)
        self._line = self._peer.begin_line(start_line, headers)
        self._method = start_line.method
        self._headers = headers
        self._connection.set_max_body_size(NO_LIMIT)
        self._has_body = "Content-Length" in headers or "Transfer-Encoding" in headers
        error = self._check(start_line, headers)
        if error is not None:
            self._refuse(error, linger=self._has_body and "Expect" not in headers)
        elif self._has_body:
            refuse = partial(self._refuse, linger=True)
            stream = self._connection.stream
            self._body = RequestBody(self._resources, stream, self._line, refuse)
        prepare_expect(start_line, headers)
        return None

    def _check(self, start_line: RequestStartLine, headers: HTTPHeaders) -> ErrorResponse | None:
        if head_size(start_line, headers) > self._limits.max_head_size:
            return head_too_large(self._limits.max_head_size)
        length = headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and self._is_too_large(int(length[:20])):
            return too_large(self._limits.max_body_size)
        try:
            check_head(start_line, headers)
            self._environ = make_environ(
                start_line, headers, trusted=self._peer.trusted, server=self._peer.keys
            )
            self._name_client()
        except BadRequest as error:
            return plain_error(400, "Bad Request", f"Bad request: {error}.")
        return None

    def _name_client(self) -> None:
        """Add the address of a client behind a trusted proxy, for the library's access line."""
        assert self._line is not None
        if self._line.remote_addr != self._peer.address:
            self._environ["c10kws.client"] = self._line.remote_addr

    def _is_too_large(self, size: int) -> bool:
        return size > self._limits.max_body_size

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Store a piece of the body."""
        return None if self._body is None else self._body.receive(chunk)

    # The end of the request

    def finish(self) -> None:
        """Pass the complete request to a thread of the pool, or answer 503."""
        if self._body is not None:
            self._body.stop_timer()
        if self._ignored:
            return
        if self._body is not None and self._body.truncated:
            self.on_connection_close()
        elif self._refused:
            self._end_linger()
        else:
            self._start_exchange()

    def _start_exchange(self) -> None:
        assert self._line is not None
        body = io.BytesIO() if self._body is None else self._body.take()
        set_body(self._environ, body, None if self._body is None else self._body.size)
        self._exchange = Exchange(
            self._resources, self._connection, self._environ, body, self._line, self._end
        )
        self._connection.set_close_callback(self._exchange.client_disconnected)
        cast(PlainStream, self._connection.stream).serves_half_closed = True
        try:
            self._resources.pool.post(self._exchange.run)
        except PoolFull:
            self._resources.pool.submit_urgent(body.close)
            self._refuse(unavailable("All threads are busy."), close=False)

    def on_connection_close(self) -> None:
        """Handle a client that disconnects during its request, or a malformed body."""
        if self._body is not None:
            self._body.discard()
        if self._running and not self._refused and self._line is not None:
            self._line.status = 400
            self._resources.log.write_later(self._line)
        self._end()

    def end_early(self) -> None:
        """End an unfinished body, or a response without an end, because the server stops."""
        if self._exchange is not None:
            self._exchange.end_early()
        elif not self._refused:
            if self._body is not None:
                self._body.discard()
            self._refuse(unavailable("The server is shutting down. Try again."), linger=True)

    def give_up(self) -> None:
        """Log that the stopping server aborts the request, and write its access line."""
        if (line := self._line) is not None:
            seconds = time.monotonic() - line.started
            message = "%s: aborted after %.1f s because the server stopped."
            self._resources.log.later(partial(logger.warning, message, line.request_line, seconds))
            line.size = 0 if self._exchange is None else self._exchange.sent
            self._resources.log.write_later(line)

    def _end(self) -> None:
        if self._running:
            self._running = False
            if self._body is not None:
                self._body.leave_memory()
            self._resources.requests.discard(self)
            self._connections.end(self._server_connection)

    # Error responses

    def _refuse(self, error: ErrorResponse, *, linger: bool = False, close: bool = True) -> None:
        """Answer without the application.

        With ``linger`` the rest of the body is read and discarded for a while. Closing immediately
        would reset the connection, and the client might never see the response (RFC 9112 §9.6).
        """
        assert self._line is not None
        self._refused = True
        self._close = close
        head, body = error.head, error.body
        if self._method == "HEAD":
            body = b""
        if close:
            head.headers["Connection"] = "close"
            self._headers.pop("Connection", None)  # Tornado would answer HTTP/1.0's "keep-alive"
        self._line.status, self._line.size = head.code, len(body)
        self._connection.write_headers(head.start_line, head.headers, body)
        self._resources.log.write_later(self._line)
        if linger:
            loop = self._resources.loop
            self._linger = loop.call_later(self._limits.linger_timeout, self._end_linger)
        else:
            self._end_linger()

    def _end_linger(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        if not self._connection.stream.closed():
            finished = self._connection.stream.write(b"")  # done when the response was sent
            self._connection.finish()
            if self._close:
                finished.add_done_callback(lambda _: self._connection.close())
        self._end()
