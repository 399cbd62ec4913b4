"""``Answers``: the protocol's own frames to one client."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from django.conf import settings

from .. import conf
from ..exceptions import ConnectionClosed
from . import outgoing
from .data import MissingKey
from .envelope import BadFrame, Frame
from .exceptions import EventError
from .socket import Socket

if TYPE_CHECKING:
    from .endpoint import EventSocket

#: Bad frames beyond the good ones after which a client is closed with 4400.
PATIENCE = 32
FORBIDDEN = 4403


class Answers:
    """Hello, replies, errors and refusals of a conversation."""

    def __init__(self, endpoint: EventSocket, socket: Socket) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._bad = 0

    # Of the connection

    def welcome(self) -> None:
        """Send ``ws:hello``, then what was emitted while ``open`` ran."""
        if self._socket.version == 0:
            self._socket.release(None)
            return
        current = conf.current()
        data = {
            "sid": self._socket.id,
            "ping": current.ping_interval,
            "max": current.max_message_size,
            "v": 1,
        }
        self._socket.release(outgoing.encode("ws:hello", data))

    def turn_away(self, reason: str) -> None:
        """Close with 4403; what was emitted to the client is dropped."""
        self._socket.discard()
        self._socket.close(FORBIDDEN, _cut(reason), reconnect=False)

    # Of a frame

    def reply(self, frame: Frame, result: Any) -> None:
        """Send the return value of a callback, if the client has made a request."""
        if frame.id is not None and self._socket.version >= 1:
            data = outgoing.as_object(result) if result is None else result
            self._socket.write("ws:reply", data, re=frame.id)

    def accept(self) -> None:
        """Count a good frame, which offsets a bad one."""
        self._bad = max(self._bad - 1, 0)

    def refuse(self, error: BadFrame) -> bool:
        """Answer a bad frame; return False when it was one too many, and the client is closed."""
        self._bad += 1
        if self._bad > PATIENCE:
            self._socket.close(4400, "too many bad frames", reconnect=False)
            return False
        self._socket.write_error(error.code, error.message, warning=error.warning, re=error.re)
        return True

    def fail(self, frame: Frame, error: BaseException) -> None:
        """Answer with the error that a callback has raised."""
        if self.is_own_end(error):
            return  # the client has disconnected
        if isinstance(error, EventError):
            try:
                self._socket.write_error(error.code, error.message, error.details, re=frame.id)
                return
            except BaseException as unserializable:  # its details
                error = unserializable
        if isinstance(error, MissingKey):
            self._endpoint.failures.log_invalid(frame.event, error, error.message)
            self._socket.write_error("invalid", error.message, re=frame.id)
            return
        self._endpoint.failures.log(frame.event, error)
        details = {"traceback": traceback.format_exception(error)} if settings.DEBUG else {}
        self._socket.write_error("internal", "internal error", details, re=frame.id)
        if not isinstance(error, Exception):  # as for a handler: the state may be broken
            self._socket.close(1011, "internal error")

    def is_own_end(self, error: BaseException) -> bool:
        """Return True for the ConnectionClosed of this client."""
        return isinstance(error, ConnectionClosed) and error.websocket is self._socket.connection


def _cut(reason: str) -> str:
    """Truncate a reason to the 123 bytes that a Close has room for (RFC 6455 §5.5).

    A lone surrogate, as in the name of a file, becomes a question mark.
    """
    return reason.encode(errors="replace")[:123].decode(errors="ignore")
