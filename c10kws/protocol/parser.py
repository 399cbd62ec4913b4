"""Data frames past the lane: fragmented, compressed, or text that is not valid.

They are parsed by :class:`wsproto.connection.Connection`, which is made with the first of them.
"""

from __future__ import annotations

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from . import lane
from .closing import REASONS, Close
from .compression import Deflate
from .fragments import Fragments, TooBig
from .messages import Message


class Parser:
    """The data frames of one connection in both directions; it never holds a byte beyond one."""

    __slots__ = ("_connection", "_fragments", "_limit")

    def __init__(self, limit: int, deflate: Deflate | None) -> None:
        extensions = [] if deflate is None else [deflate]
        self._connection = Connection(ConnectionType.SERVER, list(extensions))
        self._fragments: Fragments | None = None
        self._limit = limit

    @property
    def under_way(self) -> bool:
        """True while a message has begun and has not ended."""
        return self._fragments is not None

    def begin_frame(self, first: int, size: int) -> Close | None:
        """Check the head of a data frame, before its payload has come; return the error or None.

        §5.4: the fragments of one message stand together. wsproto would parse the payload first,
        and its answer would depend on how TCP cut the frame.
        """
        continues = first & 0x0F == lane.CONTINUATION
        if continues is (self._fragments is None):
            return Close(1002, REASONS[1002])
        if self._fragments is None:
            self._fragments = Fragments(self._limit, compressed=bool(first & lane.RSV1))
        try:
            self._fragments.begin_frame(size)
        except TooBig as error:
            return Close(1009, str(error))
        return None

    def parse(self, data: bytes) -> Message | Close | None:
        """Parse head and payload of a frame, in pieces; return a whole message or an error."""
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    result = self._take(event)
                    if result is not None:
                        return result
                case CloseConnection() if self._connection.state is ConnectionState.OPEN:
                    # No Close came: wsproto says so when its parser failed, in its own words.
                    code = int(event.code)
                    return Close(code, REASONS.get(code, ""))
        return None

    def _take(self, event: TextMessage | BytesMessage) -> Message | Close | None:
        message = self._fragments
        assert message is not None  # made by the head of the first frame
        try:
            message.add(event.data if isinstance(event.data, str) else bytes(event.data))
        except TooBig as error:
            return Close(1009, str(error))
        if not event.message_finished:
            return None
        self._fragments = None
        return message.join()

    def make_frame(self, part: Message, *, final: bool) -> bytes:
        """Return a frame of a message; all parts of a message have one type."""
        event: TextMessage | BytesMessage = (
            TextMessage(part, message_finished=final)
            if isinstance(part, str)
            else BytesMessage(part, message_finished=final)
        )
        return bytes(self._connection.send(event))
