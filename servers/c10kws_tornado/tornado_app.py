"""Tornado's own handlers in front of the WSGI application: a ``tornado.web.Application``.

A request that matches one of its rules is served by Tornado's handler on the loop's thread. The
server counts, logs and drains it like other requests, and closes its WebSocket at the shutdown.
Requests that match no rule go to the WSGI application.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import IOStream
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from .accesslog import AccessLog
from .handlerconnection import HandlerConnection
from .http.bodytimer import BodyTimer
from .http.connections import Connections
from .http.environ import BadRequest, check_head, head_size
from .http.peer import Peer
from .http.proxies import drop_forwarded
from .limits import Limits
from .safelogger import get_logger

logger = get_logger("c10kws_tornado")

#: The buffer size of a stream with a WebSocket, which must hold a frame: Tornado's default. A
#: message is limited by ``websocket_max_message_size``, 10 MiB by default.
WEBSOCKET_BUFFER_SIZE = 100 * 1024 * 1024
#: Seconds between two checks of a stopping server for the end of closing handshakes.
POLL_INTERVAL = 0.02


class TornadoApp:
    """The application and its requests on one server; used on the loop's thread.

    It replaces the application's ``log_function``, to learn of WebSockets, and calls the original
    one.
    """

    def __init__(
        self, application: Application, connections: Connections, log: AccessLog, limits: Limits
    ) -> None:
        self._application = application
        self._connections = connections
        self._log = log
        self.limits = limits
        self._running: dict[object, HandlerConnection] = {}
        self._streams: dict[IOStream, Callable[[], WebSocketHandler | None] | None] = {}
        self._code: int | None = None
        self._log_function = application.settings.get("log_function")
        application.settings["log_function"] = self._handled

    def choose(
        self,
        request: HTTPMessageDelegate,
        server_connection: object,
        connection: HTTP1Connection,
        peer: Peer,
    ) -> HTTPMessageDelegate:
        """Return the delegate of the next request on a connection; ``request`` is the WSGI one.

        Tornado asks for it when the previous request has ended.
        """
        self.end(server_connection)
        return RequestDispatcher(self, request, server_connection, connection, peer)

    def find(
        self,
        start_line: RequestStartLine,
        headers: HTTPHeaders,
        server_connection: object,
        connection: HTTP1Connection,
        peer: Peer,
    ) -> HTTPMessageDelegate | None:
        """Return the delegate of the matching rule and begin the request; None without a match."""
        if head_size(start_line, headers) > self.limits.max_head_size:
            return None
        line = peer.begin_line(start_line, headers)
        recorded = HandlerConnection(connection, line, self._remember_stream)
        try:
            check_head(start_line, headers)
            request = HTTPServerRequest(
                connection=recorded,
                server_connection=server_connection,
                start_line=start_line,
                headers=headers,
            )
        except (BadRequest, HTTPInputError):
            return None  # the WSGI request refuses it
        delegate = self._application.default_router.find_handler(request)
        if delegate is not None:
            self._begin(server_connection, connection, headers)
            self._running[server_connection] = recorded
        return delegate

    def _begin(
        self, server_connection: object, connection: HTTP1Connection, headers: HTTPHeaders
    ) -> None:
        connection.set_max_body_size(self.limits.max_body_size)
        if "Upgrade" in headers:
            connection.stream.max_buffer_size = WEBSOCKET_BUFFER_SIZE
        self._connections.begin(server_connection)

    def fail(self, server_connection: object) -> None:
        """Handle a client that disconnects during its request, or a malformed body."""
        if server_connection in self._running:
            line = self._running[server_connection].line
            line.status = line.status or 400

    def refuse_stalled_body(self, server_connection: object) -> None:
        """Send 408, unless the handler has begun to respond, and close."""
        if server_connection in self._running:
            self._running[server_connection].refuse_stalled_body()

    def end(self, server_connection: object) -> None:
        """End the Tornado request of a connection, if it has one."""
        connection = self._running.pop(server_connection, None)
        if connection is not None:
            self._log.write_later(connection.line)
            self._connections.end(server_connection)

    def _remember_stream(self, stream: IOStream) -> None:
        """Remember a stream that a handler took; ended ones are forgotten from time to time."""
        if len(self._streams) % 256 == 255:
            live = {each: kept for each, kept in self._streams.items() if not each.closed()}
            self._streams = live
        self._streams.setdefault(stream, None)

    def _handled(self, handler: RequestHandler) -> None:
        """Handle Tornado's call of ``log_function``: a response is complete, a 101 not detached."""
        if isinstance(handler, WebSocketHandler) and handler.get_status() == 101:
            connection = cast(HandlerConnection, handler.request.connection)
            self._streams[connection.stream] = weakref.ref(handler)
            if self._code is not None:  # after Tornado has taken the stream
                asyncio.get_running_loop().call_soon(self._close, handler, self._code)
        if self._log_function is not None:
            self._log_function(handler)

    async def stop(self, code: int, deadline: float) -> None:
        """Close the WebSockets, and wait for their clients until ``deadline`` in loop time."""
        self._code = code
        waiting = []
        for stream, kept in list(self._streams.items()):
            handler = kept and kept()
            if handler is not None:
                waiting.append(stream)
                self._close(handler, code)
        loop = asyncio.get_running_loop()
        while loop.time() < deadline and not all(stream.closed() for stream in waiting):
            await asyncio.sleep(POLL_INTERVAL)

    def _close(self, handler: WebSocketHandler, code: int) -> None:
        try:
            handler.close(code)
        except BaseException:  # the others must be closed too
            logger.exception("close() of a Tornado WebSocket raised: %r", handler)

    def abort(self) -> None:
        """Close all streams that handlers took."""
        for stream in self._streams:
            stream.close()
        self._streams.clear()


class RequestDispatcher(HTTPMessageDelegate):
    """A delegate that chooses by the head who serves the request, and forwards the rest to it."""

    def __init__(
        self,
        tornado_app: TornadoApp,
        request: HTTPMessageDelegate,
        server_connection: object,
        connection: HTTP1Connection,
        peer: Peer,
    ) -> None:
        self._tornado_app = tornado_app
        self._delegate = request
        self._server_connection = server_connection
        self._connection = connection
        self._peer = peer
        self._receiving = False
        self._timer: BodyTimer | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Try the rules, then forward."""
        start_line = cast(RequestStartLine, start_line)
        if not self._peer.trusted:
            drop_forwarded(headers)
        if not self._connection.stream.closed():
            found = self._tornado_app.find(
                start_line, headers, self._server_connection, self._connection, self._peer
            )
            self._delegate = found or self._delegate
            if found is not None and {"Content-Length", "Transfer-Encoding"} & headers.keys():
                self._start_timer()
        waiting = self._delegate.headers_received(start_line, headers)
        self._receiving = True
        return waiting

    def _start_timer(self) -> None:
        refuse = partial(self._tornado_app.refuse_stalled_body, self._server_connection)
        self._timer = BodyTimer(asyncio.get_running_loop(), self._tornado_app.limits, refuse)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Forward."""
        waiting = self._delegate.data_received(chunk)
        if self._timer is not None:
            self._timer.received(len(chunk))
            if waiting is not None:
                return self._wait(waiting, self._timer)
        return waiting

    async def _wait(self, waiting: Awaitable[None], timer: BodyTimer) -> None:
        """Wait for a handler that receives its body in pieces; the timer is paused."""
        timer.pause()
        await waiting
        timer.resume()

    def finish(self) -> None:
        """Forward."""
        self._receiving = False
        self._stop_timer()
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Forward."""
        self._stop_timer()
        if self._receiving:
            self._tornado_app.fail(self._server_connection)
        self._delegate.on_connection_close()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
