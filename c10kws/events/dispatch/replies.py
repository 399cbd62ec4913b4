"""``Replies``: the protocol's own frames to one client."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings

from ... import conf
from ...connection.connection import Connection
from ...connection.websocket import connection_of
from ...exceptions import ConnectionClosed
from ...protocol.closing import CloseCode, truncate_reason
from ...protocol.messages import Message
from ..clients.socket import Socket
from ..exceptions import EventError
from ..frames.envelope import BadFrame, Frame, decode, error_data
from ..frames.serialization import encode
from .failure_log import FailureLog
from .received_data import MissingKey, ReceivedData

#: A client is closed with 4400 when it has sent so many more bad frames than good ones.
MAX_BAD_FRAMES = 32
#: Close codes of applications: 4000 and the HTTP status.
BAD_REQUEST = 4400
FORBIDDEN = 4403


class Replies:
    """Hello, replies, errors and refusals to one client."""

    __slots__ = ("_bad_frames", "_failures", "_socket")

    def __init__(self, socket: Socket, failures: FailureLog) -> None:
        self._socket = socket
        self._failures = failures
        self._bad_frames = 0

    # About the connection

    def welcome(self) -> None:
        """Send ``ws:hello``, then the events that were held while ``open`` ran."""
        if self._socket.version == 0:
            self._socket.writer.release(None)
            return
        current = conf.current()
        data = {
            "sid": self._socket.id,
            "ping": current.ping_interval,
            "max": current.max_message_size,
            "v": 1,
        }
        self._socket.writer.release(encode("ws:hello", data))

    def refuse_client(self, reason: str) -> None:
        """Close with 4403; held events are dropped."""
        self._socket.writer.drop_all()
        self._socket.close(FORBIDDEN, truncate_reason(reason), reconnect=False)

    # About a frame

    def pong(self) -> None:
        """Answer ``ws:ping``."""
        self._write("ws:pong", {})

    def reply(self, frame: Frame, result: Any) -> None:
        """Send the return value of a callback, if the frame is a request."""
        if frame.id is not None and self._socket.version >= 1:
            if result is None:
                result = {}
            elif type(result) is ReceivedData:
                result = dict(result)  # written faster than an object of a subclass
            self._write("ws:reply", result, re=frame.id)

    def accept_frame(self) -> None:
        """Count a good frame, which offsets a bad one."""
        if self._bad_frames:
            self._bad_frames -= 1

    def refuse_frame(self, error: BadFrame) -> bool:
        """Answer a bad frame. After too many of them close the client and return False."""
        self._bad_frames += 1
        if self._bad_frames > MAX_BAD_FRAMES:
            self._socket.close(BAD_REQUEST, "too many bad frames", reconnect=False)
            return False
        self._error(error.code, error.message, warning=error.warning, re=error.re)
        return True

    def refuse_excess(self, messages: Sequence[Message], reason: str) -> None:
        """Answer messages above the rate, which are not handled."""
        for message in messages:
            try:
                frame_id = decode(message).id
            except BadFrame as error:
                frame_id = error.re
            self._error("rate_limited", reason, re=frame_id)

    def fail(self, frame: Frame, error: BaseException) -> None:
        """Answer with the error that a callback has raised."""
        if self.is_own_end(error):
            return  # the client has disconnected
        if isinstance(error, EventError):
            try:
                self._error(error.code, error.message, error.details, re=frame.id)
                return
            except BaseException as unserializable:  # its details
                error = unserializable
        if isinstance(error, MissingKey):
            self._failures.log_invalid(frame.event, error, error.message, self._connection)
            self._error("invalid", error.message, re=frame.id)
            return
        self._fail_internally(frame, error)

    def _fail_internally(self, frame: Frame, error: BaseException) -> None:
        self._failures.log(frame.event, error, self._connection)
        details = {"traceback": traceback.format_exception(error)} if settings.DEBUG else {}
        self._error("internal", "internal error", details, re=frame.id)
        if not isinstance(error, Exception):  # as for a handler: the state may be broken
            self._socket.close(CloseCode.INTERNAL_ERROR, "internal error")

    @property
    def _connection(self) -> Connection:
        return connection_of(self._socket.connection)

    def is_own_end(self, error: BaseException) -> bool:
        """Return True for the ConnectionClosed of this client."""
        return isinstance(error, ConnectionClosed) and error.websocket is self._socket.connection

    def _error(
        self,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        warning: str = "",
        re: int | str | None = None,
    ) -> None:
        """Send an error about one of the client's frames; version 0 gets only ``warning``."""
        if self._socket.version == 0:
            self._write("warning", {"message": warning or message or code})
        else:
            extra = {} if re is None else {"re": re}
            self._write("ws:error", error_data(code, message, details or {}), **extra)

    def _write(self, event: str, data: object, **extra: int | str) -> None:
        """Send a frame; skip a disconnected client."""
        if not self._socket.closed:
            text = encode(event, data, encoder=self._socket.encoder, **extra)
            self._socket.writer.write_if_open(text)
