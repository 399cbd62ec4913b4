"""Reports about a WebSocket: log lines and signals at its start, its failure and its end.

The lines are written in a thread of the pool, since a log handler may write a file or send a mail.
The data of a line is also in attributes of its record.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from django.core import signals
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from ..connection.facts import Transport
from ..connection.websocket import WebSocket, connection_of
from ..hijack import CLIENT
from .connection_signals import send_connected, send_disconnected
from .kept_request import shared_string
from .kernel_bytes import bytes_of
from .named_view import NO_VIEW, NamedView
from .statistics import Totals, statistics
from .threads import HandlerThreads
from .tracing import tracing

access_logger = logging.getLogger("c10kws.access")
error_logger = logging.getLogger("django.request")
logger = logging.getLogger("c10kws")


class ConnectionLog:
    """Reports of one connection, written by the threads of its server.

    With ``keep_request=False``, only the data of the log lines is kept of the request. A refused
    handshake has :data:`~.named_view.NO_VIEW`, and sends no signals.
    """

    __slots__ = (
        "_connected",
        "_request",
        "_threads",
        "address",
        "counted",
        "path",
        "user_id",
        "view",
    )

    def __init__(
        self,
        threads: HandlerThreads,
        request: HttpRequest,
        view: NamedView,
        *,
        keep_request: bool,
        log_query_strings: bool,
    ) -> None:
        self._threads = threads
        self._connected: Future[Any] | None = None
        self.view = view
        self.address: str = request.META.get(CLIENT) or request.META.get("REMOTE_ADDR") or "-"
        self.user_id: object = None
        self.counted = False
        path = request.get_full_path() if log_query_strings else escape_uri_path(request.path)
        self.path = shared_string(path)
        self._request = request if keep_request else None

    @property
    def endpoint(self) -> str:
        """Name of the view's endpoint."""
        return self.view.endpoint

    def fields(self) -> dict[str, object]:
        """Return the fields of every record: path, endpoint, user, address."""
        return {
            "path": self.path,
            "endpoint": self.endpoint,
            "user_id": self.user_id,
            "remote_addr": self.address,
        }

    def opened(self, websocket: WebSocket) -> None:
        """Report the start of the connection."""
        if self.view is not NO_VIEW:
            statistics.count_handshake("accepted")
        self.user_id = getattr(getattr(websocket, "user", None), "pk", None)
        if self.view is not NO_VIEW:
            self._connected = send_connected(
                self._threads, self.view.sender, websocket, self._plain_path
            )
        if access_logger.isEnabledFor(logging.DEBUG):
            self._write_line(log_start, self.fields())

    def lost(self, transport: Transport) -> None:
        """Count the bytes of the connection, whose socket is about to be closed."""
        if statistics.detailed:
            statistics.count_bytes(*bytes_of(transport))

    def failed(self, websocket: WebSocket, error: BaseException) -> None:
        """Report an exception of the handler."""
        statistics.count_handler_error(self.endpoint)
        fields = self.fields() | {"duration": _age_of(websocket)}
        self._threads.run_in_background(log_error, self._plain_path, self._request, error, fields)

    def ended(self, websocket: WebSocket) -> None:
        """Report the end of the connection."""
        session = getattr(self._request, "session", None)
        if session is not None and session.modified:
            self._threads.run_in_background(warn_unsaved_session, self._request)
        duration = _age_of(websocket)
        self.counted = True
        totals = Totals(1, websocket.received, websocket.sent, websocket.dropped)
        statistics.count_end(self.endpoint, websocket.close_code, totals)
        if self.view is not NO_VIEW:
            connected, self._connected = self._connected, None
            send_disconnected(
                *(self._threads, self.view.sender, websocket),
                *(self._plain_path, duration, connected),
            )
        if access_logger.isEnabledFor(logging.INFO):
            self._write_line(log_end, websocket, self.fields(), duration)

    def _write_line(self, write: Callable[..., object], *args: Any) -> None:
        tracer = tracing.tracer
        later = self._threads.run_in_background if tracer is None else tracer.later
        later(write, *args)

    @property
    def _plain_path(self) -> str:
        return self.path.partition("?")[0]


def _age_of(websocket: WebSocket) -> float:
    return time.monotonic() - connection_of(websocket).opened


def log_start(fields: dict[str, object]) -> None:
    """Write a line that a connection is open."""
    access_logger.debug(
        '%s "WebSocket %s" open',
        fields["remote_addr"],
        fields["path"],
        extra=fields | {"status_code": 101},
    )


def log_end(websocket: WebSocket, fields: dict[str, object], duration: float) -> None:
    """Write the access line of a connection: client, path, close code, messages, duration."""
    counts = {
        "received": websocket.received,
        "sent": websocket.sent,
        "dropped": websocket.dropped,
        "duration": duration,
    }
    access_logger.info(
        '%s "WebSocket %s" %s received %d sent %d dropped %d %.3fs',
        fields["remote_addr"],
        fields["path"],
        websocket.close_code,
        *counts.values(),
        extra=fields | counts | {"status_code": 101, "close_code": websocket.close_code},
    )


def log_error(
    path: str, request: HttpRequest | None, error: BaseException, fields: dict[str, object]
) -> None:
    """Report a handler's exception as Django does for views: send a signal and log it."""
    try:
        raise error
    except BaseException:  # receivers of the signal look at sys.exc_info()
        signals.got_request_exception.send(sender=WebSocket, request=request)
        error_logger.error(
            "WebSocket handler failed: %s",
            path,
            exc_info=True,
            extra=fields
            | {"status_code": 500, "path": path}
            | ({} if request is None else {"request": request}),
        )


def warn_unsaved_session(request: HttpRequest) -> None:
    """Warn when the handler changed the session and did not save it.

    The session middleware saved it with the handshake; it is not saved after that.
    """
    session = getattr(request, "session", None)
    if session is None or not session.modified:
        return
    stored = dict(type(session)(session.session_key).items())
    if stored != dict(session.items()):
        logger.warning(
            "%s: the session was changed after the handshake and not saved; the change is lost. "
            "Write `await ws.request.session.asave()` after the change.",
            escape_uri_path(request.path),
        )
