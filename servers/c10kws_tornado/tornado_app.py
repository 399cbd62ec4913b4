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

from tornado.httputil import (
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerRequest,
)
from tornado.iostream import IOStream
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler

from .accesslog import AccessLog
from .handlerconnection import HandlerConnection
from .http.bodytimer import BodyTimer
from .http.connections import Connections
from .http.errorresponse import stalled_body, unavailable
from .http.protocol import HTTPProtocol
from .http.requesthead import BadRequest, RequestHead
from .limits import Limits
from .safelogger import get_logger
from .stop import Stop

logger = get_logger("c10kws_tornado")

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
        self._streams: dict[IOStream, Callable[[], WebSocketHandler | None] | None] = {}
        self._websockets: dict[HandlerConnection, Callable[[], WebSocketHandler | None]] = {}
        self._receiving: set[NativeRequest] = set()
        self._code: int | None = None
        self._log_function = application.settings.get("log_function")
        application.settings["log_function"] = self._handled

    def find(self, connection: HTTPProtocol, head: RequestHead) -> NativeRequest | None:
        """Return the receiver of a request that matches a rule; None without a match."""
        if head.size > self.limits.max_head_size:
            return None
        native = NativeRequest(self, connection, head)
        try:
            head.check()
            request = HTTPServerRequest(
                connection=native.connection,
                server_connection=connection,
                start_line=head.start_line,
                headers=head.headers(trusted=connection.peer.trusted),
            )
        except (BadRequest, HTTPInputError):
            return None  # the WSGI request refuses it
        delegate = self._application.default_router.find_handler(request)
        if delegate is None:
            return None
        native.begin(delegate, request)
        self._connections.begin(connection)
        return native

    def receiving(self, request: NativeRequest, *, receiving: bool) -> None:
        """Remember a request while its body arrives."""
        (self._receiving.add if receiving else self._receiving.discard)(request)

    def end_unfinished_bodies(self) -> None:
        """Refuse requests whose body has not arrived, because the server stops."""
        for request in [each for each in self._receiving if not each.has_responded]:
            request.connection.refuse_body(
                unavailable("The server is shutting down. Try again."), linger=True
            )

    def end(self, connection: HTTPProtocol, native: HandlerConnection) -> None:
        """Handle the end of a request."""
        self._log.write_later(native.line)
        self._connections.end(connection)

    def remember_stream(self, native: HandlerConnection, stream: IOStream) -> None:
        """Remember a stream that a handler took; ended ones are forgotten from time to time."""
        if len(self._streams) % 256 == 255:
            live = {each: kept for each, kept in self._streams.items() if not each.closed()}
            self._streams = live
        self._streams[stream] = self._websockets.pop(native, None)

    def _handled(self, handler: RequestHandler) -> None:
        """Handle Tornado's call of ``log_function``: a response is complete, a 101 not detached."""
        if isinstance(handler, WebSocketHandler) and handler.get_status() == 101:
            native = cast(HandlerConnection, handler.request.connection)
            self._websockets[native] = weakref.ref(handler)
            if self._code is not None:  # after Tornado has taken the stream
                asyncio.get_running_loop().call_soon(self._close, handler, self._code)
        if self._log_function is not None:
            self._log_function(handler)

    @property
    def open_streams(self) -> int:
        """The number of open streams that handlers took."""
        return sum(not stream.closed() for stream in self._streams)

    async def stop(self, stop: Stop) -> None:
        """Close the WebSockets at the pace of the stop, and wait for their clients."""
        self._code = stop.code
        websockets = {
            stream: kept for stream, kept in self._streams.items() if kept is not None and kept()
        }
        async for kept, _ in stop.spread(websockets.values()):
            handler = kept()
            if handler is not None:
                self._close(handler, stop.code)
        while stop.seconds_left > 0 and not all(stream.closed() for stream in websockets):
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


class NativeRequest:
    """A request that Tornado's handler serves; its connection calls it on the loop's thread."""

    serves_half_closed = False

    def __init__(
        self, tornado_app: TornadoApp, connection: HTTPProtocol, head: RequestHead
    ) -> None:
        self._tornado_app = tornado_app
        self._http = connection
        self._head = head
        self._delegate: HTTPMessageDelegate
        self._request: HTTPServerRequest
        self._receiving = True
        self._running = True
        self._received = 0
        self._timer: BodyTimer | None = None
        self.connection = HandlerConnection(
            connection,
            head,
            connection.peer.begin_line(head),
            tornado_app.remember_stream,
            self._end,
        )
        self.connection.max_body_size = tornado_app.limits.max_body_size

    def begin(self, delegate: HTTPMessageDelegate, request: HTTPServerRequest) -> None:
        """Set the delegate of the rule that matches."""
        self._delegate = delegate
        self._request = request

    @property
    def has_responded(self) -> bool:
        """True when the handler has begun to respond."""
        return bool(self.connection.line.status)

    def head_received(self, head: RequestHead) -> Awaitable[None] | None:
        """Call the delegate."""
        if head.has_body:
            refuse = partial(self.connection.refuse_body, stalled_body(), linger=False)
            self._tornado_app.receiving(self, receiving=True)
            loop = asyncio.get_running_loop()
            self._timer = BodyTimer(loop, self._tornado_app.limits, refuse)
        waiting = self._delegate.headers_received(head.start_line, self._request.headers)
        if waiting is not None:
            return self._wait_and_check(waiting)
        self._check_size(head.length)
        return None

    async def _wait_and_check(self, waiting: Awaitable[None]) -> None:
        await self._wait(waiting)
        self._check_size(self._head.length)

    def _check_size(self, size: int) -> None:
        if size > self.connection.max_body_size:
            raise HTTPInputError("The request body is too long.")

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Call the delegate; the timer is paused while it is busy."""
        self._received += len(chunk)
        self._check_size(self._received)
        if self._timer is not None:
            self._timer.received(len(chunk))
        waiting = self._delegate.data_received(chunk)
        return None if waiting is None else self._wait(waiting)

    async def _wait(self, waiting: Awaitable[None]) -> None:
        if self._timer is not None:
            self._timer.pause()
        await waiting
        if self._timer is not None:
            self._timer.resume()

    def finish(self) -> None:
        """Call the delegate, which runs the handler."""
        self._receiving = False
        self._stop_timer()
        self._delegate.finish()

    def on_connection_close(self) -> None:
        """Handle a client that disconnects, or a malformed body.

        As in Tornado, the handler is notified by the delegate within the body, and later by the
        close callback.
        """
        self._stop_timer()
        line = self.connection.line
        try:
            if self._receiving:
                line.status = line.status or 400
                self.connection.set_close_callback(None)
                self._delegate.on_connection_close()
        except BaseException:  # the request must end whatever the handler does
            logger.exception("%s: on_connection_close() raised.", line.escaped)
        self.connection.connection_lost()
        self._end()

    def _end(self) -> None:
        if self._running:
            self._running = False
            self._stop_timer()
            self._tornado_app.end(self._http, self.connection)

    def _stop_timer(self) -> None:
        self._tornado_app.receiving(self, receiving=False)
        if self._timer is not None:
            self._timer.cancel()
