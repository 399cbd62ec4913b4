"""What a WebSocket leaves behind: its access line, its handler's exception, an unsaved session.

All of it runs in a thread of the pool: a log handler may write a file or send a mail.
"""

from __future__ import annotations

import logging
import time

from django.core import signals
from django.http import HttpRequest

from .connection import WebSocket

access_logger = logging.getLogger("c10kws.access")
error_logger = logging.getLogger("django.request")
logger = logging.getLogger("c10kws")


def log_end(websocket: WebSocket, request: HttpRequest, ended: float) -> None:
    """Write the access line of a connection: who, where, close code, messages, duration."""
    duration = ended - websocket.opened
    access_logger.info(
        '%s "WebSocket %s" %s received %d sent %d dropped %d %.3fs',
        request.META.get("REMOTE_ADDR", "-"),
        request.get_full_path(),
        websocket.close_code,
        websocket.received,
        websocket.sent,
        websocket.dropped,
        duration,
        extra={"status_code": 101, "duration": duration, "close_code": websocket.close_code},
    )


def log_error(request: HttpRequest, error: BaseException) -> None:
    """Tell the world that a handler raised, as Django does of a view: log, mail, Sentry."""
    try:
        raise error
    except BaseException:  # receivers of the signal look at sys.exc_info()
        signals.got_request_exception.send(sender=WebSocket, request=request)
        error_logger.error(
            "WebSocket handler failed: %s",
            request.path,
            exc_info=True,
            extra={"status_code": 500, "request": request},
        )


def warn_unsaved_session(request: HttpRequest) -> None:
    """Warn when the handler changed the session and did not save it.

    The session middleware saved it with the handshake; nobody does after that.
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


def now() -> float:
    """The clock of ``WebSocket.opened``."""
    return time.monotonic()
