"""Log of a WebSocket: its access line, its handler's exception, an unsaved session.

The lines are written in a thread of the pool, since a log handler may write a file or send a mail.
"""

from __future__ import annotations

import logging
import time

from django.core import signals
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path

from ..connection.websocket import WebSocket, connection_of
from ..hijack import CLIENT
from .threads import HandlerThreads

access_logger = logging.getLogger("c10kws.access")
error_logger = logging.getLogger("django.request")
logger = logging.getLogger("c10kws")


class ConnectionLog:
    """Log of one connection, written by the threads of its server.

    With ``keep_request=False``, only the data of the access line is kept of the request.
    """

    __slots__ = ("_address", "_request", "_threads", "path")

    def __init__(
        self,
        threads: HandlerThreads,
        request: HttpRequest,
        *,
        keep_request: bool,
        log_query_strings: bool,
    ) -> None:
        self._threads = threads
        address: str = request.META.get(CLIENT) or request.META.get("REMOTE_ADDR") or "-"
        self._address = address
        path = request.get_full_path() if log_query_strings else escape_uri_path(request.path)
        self.path = request.path if path == request.path else path  # one string saves memory
        self._request = request if keep_request else None

    def failed(self, error: BaseException) -> None:
        """Report an exception of the handler."""
        path = self.path.partition("?")[0]
        self._threads.run_in_background(log_error, path, self._request, error)

    def ended(self, websocket: WebSocket) -> None:
        """Report the end of the connection."""
        session = getattr(self._request, "session", None)
        if session is not None and session.modified:
            self._threads.run_in_background(warn_unsaved_session, self._request)
        if access_logger.isEnabledFor(logging.INFO):
            self._threads.run_in_background(
                log_end, websocket, self._address, self.path, time.monotonic()
            )


def log_end(websocket: WebSocket, address: str, path: str, ended: float) -> None:
    """Write the access line of a connection: client, path, close code, messages, duration."""
    duration = ended - connection_of(websocket).opened
    access_logger.info(
        '%s "WebSocket %s" %s received %d sent %d dropped %d %.3fs',
        address,
        path,
        websocket.close_code,
        websocket.received,
        websocket.sent,
        websocket.dropped,
        duration,
        extra={"status_code": 101, "duration": duration, "close_code": websocket.close_code},
    )


def log_error(path: str, request: HttpRequest | None, error: BaseException) -> None:
    """Report a handler's exception as Django does for views: send a signal and log it."""
    try:
        raise error
    except BaseException:  # receivers of the signal look at sys.exc_info()
        signals.got_request_exception.send(sender=WebSocket, request=request)
        error_logger.error(
            "WebSocket handler failed: %s",
            path,
            exc_info=True,
            extra={"status_code": 500} | ({} if request is None else {"request": request}),
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
            request.path,
        )
