"""An incoming request, from its head until a thread of the pool takes it."""

from __future__ import annotations

import io
import time
from collections.abc import Awaitable
from functools import partial
from typing import IO, Any

from ..pool import PoolFull
from ..safelogger import get_logger
from .environ import make_environ, set_body
from .errorresponse import ErrorResponse, head_too_large, plain_error, too_large, unavailable
from .exchange import Exchange
from .protocol import HTTPProtocol
from .requestbody import RequestBody
from .requesthead import BadRequest, RequestHead
from .resources import Resources

logger = get_logger("c10kws_tornado")


class IncomingRequest:
    """One request to the application; its connection calls it on the loop's thread."""

    __slots__ = (
        "_body",
        "_connection",
        "_environ",
        "_exchange",
        "_head",
        "_line",
        "_refused",
        "_resources",
        "_running",
    )

    def __init__(self, resources: Resources, connection: HTTPProtocol, head: RequestHead) -> None:
        self._resources = resources
        self._connection = connection
        self._head = head
        self._environ: dict[str, Any] = {}
        self._body: RequestBody | None = None
        self._line = connection.peer.begin_line(head)
        self._exchange: Exchange | None = None
        self._refused = False
        self._running = True
        resources.connections.begin(connection)
        resources.requests.add(self)

    @property
    def serves_half_closed(self) -> bool:
        """True while a thread prepares the response, or the loop sends a complete one."""
        return self._exchange is not None and self._exchange.serves_half_closed

    @property
    def has_responded(self) -> bool:
        """True when the request was refused."""
        return self._refused

    def head_received(self, head: RequestHead) -> Awaitable[None] | None:
        """Check the head. An error response is sent before the body and before 100-continue."""
        error = self._check(head)
        if error is not None:
            # A client may send a body without a 100, or other requests.
            more = head.has_body or error.code == 431 or self._connection.receiving
            self._refuse(error, linger=more)
        elif head.has_body:
            refuse = partial(self._refuse, linger=True)
            self._body = RequestBody(self._resources, self._line, refuse)
        return None

    def _check(self, head: RequestHead) -> ErrorResponse | None:
        limits = self._resources.limits
        if head.size > limits.max_head_size:
            return head_too_large(limits.max_head_size)
        try:
            head.check()
            if head.length > limits.max_body_size:
                return too_large(limits.max_body_size)
            peer = self._connection.peer
            self._environ = make_environ(head, trusted=peer.trusted, server=peer.keys)
        except BadRequest as error:
            return plain_error(400, "Bad Request", f"Bad request: {error}.")
        if self._line.remote_addr != peer.address:
            # The address of a client behind a trusted proxy, for the library's access line.
            self._environ["c10kws.client"] = self._line.remote_addr
        return None

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Store a piece of the body."""
        return None if self._body is None else self._body.receive(chunk)

    # The end of the request

    def finish(self) -> None:
        """Pass the complete request to a thread of the pool, or answer 503."""
        if self._body is None:
            body: IO[bytes] = io.BytesIO()
            set_body(self._environ, body, None)
        else:
            self._body.stop_timer()
            body = self._body.take()
            set_body(self._environ, body, self._body.size)
        self._exchange = Exchange(
            self._resources, self._connection, self._environ, body, self._line, self._end
        )
        try:
            pool = self._resources.pool_for(self._environ["PATH_INFO"])
            pool.post(self._exchange.run)
        except PoolFull:
            self._exchange = None
            self._resources.pool.submit_urgent(body.close)
            self._refuse_for_now(unavailable("All threads are busy."))

    def on_connection_close(self) -> None:
        """Handle a client that disconnects, or a malformed body."""
        if not self._running:
            return
        if self._exchange is not None:
            self._exchange.client_disconnected()
            return
        if self._body is not None:
            self._body.client_disconnected()
        if not self._refused:
            self._line.status = 400
            self._resources.log.write_later(self._line)
        self._end()

    @property
    def endless(self) -> bool:
        """True while its response is an async body of unknown length, as an event stream is."""
        return self._exchange is not None and self._exchange.endless

    def end_response(self) -> None:
        """End a response that may have no end of its own, because the server stops."""
        if self._exchange is not None:
            self._exchange.end_early()

    def end_unfinished_body(self) -> None:
        """Refuse the request if its body has not arrived, because the server stops."""
        if self._exchange is None and not self._refused:
            if self._body is not None:
                self._body.discard()
            self._refuse(unavailable("The server is shutting down. Try again."), linger=True)

    def give_up(self) -> None:
        """Log that the stopping server aborts the request, and write its access line."""
        line = self._line
        seconds = time.monotonic() - line.started
        message = "%s: aborted after %.1f s because the server stopped."
        self._resources.log.later(partial(logger.warning, message, line.escaped, seconds))
        line.size = 0 if self._exchange is None else self._exchange.sent
        self._resources.log.write_later(line)

    def _end(self) -> None:
        if self._running:
            self._running = False
            if self._body is not None:
                self._body.leave_memory()
            self._body = self._exchange = None  # which refer to this object
            self._resources.requests.discard(self)
            self._resources.connections.end(self._connection)

    # Error responses

    def _refuse(self, error: ErrorResponse, *, linger: bool) -> None:
        """Answer without the application, and close."""
        response = self._note_refusal(error, close=True)
        self._connection.refuse(response, linger=linger)

    def _refuse_for_now(self, error: ErrorResponse) -> None:
        """Answer without the application; the connection may stay open."""
        connection = self._connection
        response = self._note_refusal(error, close=not connection.keep_alive)
        if connection.output.write(response):
            self._end()
            connection.response_sent(close=False)
        else:  # the client does not read
            connection.linger()

    def _note_refusal(self, error: ErrorResponse, *, close: bool) -> bytes:
        """Log the refusal, and return its bytes."""
        self._refused = True
        body = error.body if self._head.start_line.method != "HEAD" else b""
        self._line.status, self._line.size = error.code, len(body)
        self._resources.log.write_later(self._line)
        return error.encode_head(close=close) + body
