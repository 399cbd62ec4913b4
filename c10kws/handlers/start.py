"""Start of a handler on the event loop, once its handshake is complete."""

from __future__ import annotations

import contextvars
import logging
from dataclasses import dataclass, field
from functools import partial

from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from ..conf import Settings
from ..connection.websocket import WebSocket, connection_of
from ..hijack import Contract
from ..protocol.closing import Close
from ..protocol.deflate import Deflate
from ..protocol.handshake import Accept
from ..protocol.negotiation import Compression
from ..protocol.rates import Meter
from .connection_counts import Holder, TooManyConnections
from .connection_log import ConnectionLog
from .context import ViewContext
from .kept_request import break_cycles, drop_handshake_data
from .named_view import NO_VIEW, NamedView
from .serve import HandlerFunction, serve
from .servers import servers
from .statistics import statistics
from .tracing import tracing

logger = logging.getLogger("c10kws")


@dataclass(slots=True)
class HandlerStart:
    """Everything that a handler needs to start; made in the view's thread."""

    request: HttpRequest
    handler: HandlerFunction
    contract: Contract
    accepted: Accept
    settings: Settings
    compression: Compression | None = None
    max_message_size: int | None = None
    load_user: bool = False
    keep_request: bool = False
    view: NamedView = NO_VIEW
    meter: Meter | None = None
    #: None for a WebSocket that is not counted.
    holder: Holder | None = None
    context: ViewContext = field(default_factory=ViewContext)

    def check_limits(self) -> None:
        """Raise :exc:`~.connection_counts.TooManyConnections` when there is no room."""
        if self.holder is not None:
            servers.state_of(self.contract).counts.check(self.holder, self.settings)

    def evaluate_user(self) -> None:
        """Load the user in this thread: the lazy object must not query the database on the loop."""
        if self.load_user and hasattr(self.request, "user"):
            if self.holder is not None:
                self.holder.add_user(self.request)
            else:
                bool(self.request.user.is_authenticated)

    def close_first(self) -> None:
        """Ask the server to call ``close()`` of the 101 before it sends the head, if possible.

        Then the head, the start of the handler and the end of the request need one wake-up of the
        loop, and no thread waits for the client.
        """
        close_first = getattr(self.contract.stream, "close_first", None)
        if close_first is not None:
            close_first()

    def start_soon(self) -> None:
        """Start the handler when the connection is upgraded; from ``close()`` of the 101."""
        # In a context of its own: the loop copies it for each callback of the connection.
        context = contextvars.Context()
        on_upgrade = getattr(self.contract.stream, "on_upgrade", None)
        if on_upgrade is not None:
            on_upgrade(partial(context.run, self._start))
            return
        try:
            self.contract.loop.call_soon_threadsafe(self._start, context=context)
        except RuntimeError:
            path = escape_uri_path(self.request.path)
            logger.info("%s: the server stopped during the handshake", path)

    def _start(self) -> None:
        if not self.contract.stream.upgraded:
            return  # the client disconnected during the handshake; the server has logged it
        websocket = self._open()
        self._hand_over_request(websocket)
        server = servers.state_of(self.contract)
        connection = connection_of(websocket)
        connection.handler.handlers = server
        self.context.enter(server.threads, connection)
        self._refuse_late()
        log = ConnectionLog(
            server.threads,
            self.request,
            self.view,
            keep_request=self.keep_request,
            log_query_strings=self.settings.log_query_strings,
        )
        connection.facts = log
        log.opened(websocket)
        task = self.contract.loop.create_task(
            serve(websocket, self.handler, log), name=log.path, context=self.context.variables
        )
        server.add_task(task, connection)
        if self.holder is not None:
            server.counts.enter(task, self.holder)

    def _refuse_late(self) -> None:
        """Close at once if handshakes that came at the same time have taken the last room."""
        try:
            self.check_limits()
        except TooManyConnections as refusal:
            path = escape_uri_path(self.request.path)
            fields = {"path": path, "close_code": refusal.close.code}
            logger.warning("WebSocket refused: %s: %s", path, refusal.reason, extra=fields)
            statistics.count_handshake("limited")
            self.holder, self.view = None, NO_VIEW
            self.handler = partial(close_with, refusal.close)

    def _open(self) -> WebSocket:
        return WebSocket(
            tracing.wrap(self.contract.stream, self.request),
            subprotocol=self.accepted.subprotocol,
            settings=self.settings,
            max_message_size=self.max_message_size,
            mask=self.contract.mask,
            deflate=self._deflate(),
            meter=self.meter,
        )

    def _deflate(self) -> Deflate | None:
        if self.accepted.agreement is None or self.compression is None:
            return None
        limit = self.max_message_size or self.settings.max_message_size
        return Deflate(self.accepted.agreement, self.compression, limit)

    def _hand_over_request(self, websocket: WebSocket) -> None:
        request = self.request
        break_cycles(request)
        if self.load_user and hasattr(request, "user"):
            websocket.user = request.user
        if self.keep_request:
            websocket.request = request
            drop_handshake_data(request)
            if hasattr(request, "session"):
                request.session.modified = False


async def close_with(close: Close, websocket: WebSocket) -> None:
    """Close the WebSocket: the handler of a handshake that is refused visibly."""
    websocket.close(close.code, close.reason)
