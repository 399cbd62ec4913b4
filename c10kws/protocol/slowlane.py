"""The slow lane: data frames that are not plain, parsed by wsproto.

They are fragments (RFC 6455 §5.4), compressed frames (RFC 7692) and texts that are not UTF-8. Most
connections receive none, so wsproto is made when the first one comes.

wsproto gets one frame at a time, from its first byte to its last. The head is checked here before:
wsproto would parse the first half of a frame that is not allowed now, and its answer would depend
on where TCP cuts the frame. wsproto has no limits, so bytes and fragments are counted here.
"""

from __future__ import annotations

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from .closing import Close, CloseCode, failure
from .deflate import Deflate
from .frames import CONTINUATION, OPCODE, RSV1, BrokenFrame
from .messages import Message, MessageTooBig, Reassembly

#: Bytes of a compressed frame that are inflated at a time: they become 8 MiB at most.
SLICE = 8192


class SlowLane:
    """Data frames of one connection that wsproto parses, and those that it makes.

    ``limit`` is that of a message, ``message`` the one whose fragments are coming, None between
    messages. ``deflate`` is None without compression.
    """

    __slots__ = ("_deflate", "_wsproto", "limit", "message")

    def __init__(self, limit: int, deflate: Deflate | None) -> None:
        self.limit = limit
        self._deflate = deflate
        self.message: Reassembly | None = None
        self._wsproto: Connection | None = None  # most connections need none

    def _open(self) -> Connection:
        if self._wsproto is None:
            extensions = [] if self._deflate is None else [self._deflate]
            self._wsproto = Connection(ConnectionType.SERVER, list(extensions))
        return self._wsproto

    @property
    def compresses(self) -> bool:
        """True when frames may be compressed."""
        return self._deflate is not None

    @property
    def inflated_bytes(self) -> int:
        """Bytes that all compressed messages have inflated to."""
        return 0 if self._deflate is None else self._deflate.inflated_bytes

    def begin_frame(self, first: int, size: int, head_size: int) -> SlowFrame | BrokenFrame:
        """Begin a data frame; it is broken if its head is not allowed now.

        §5.4: "The fragments of one message MUST NOT be interleaved between the fragments of
        another message". So a continuation must follow while a message is under way, and only
        then.
        """
        continues = first & OPCODE == CONTINUATION
        if continues is (self.message is None):
            return BrokenFrame(failure(CloseCode.PROTOCOL_ERROR))
        if self.message is None:
            self.message = Reassembly(self.limit, compressed=bool(first & RSV1))
        try:
            self.message.begin_fragment(size)
        except MessageTooBig as error:
            return BrokenFrame(Close(CloseCode.MESSAGE_TOO_BIG, str(error)))
        return self.judge_frame(head_size + size)

    def judge_frame(self, size: int) -> SlowFrame:
        """Begin a frame that wsproto accepts or refuses; ``size`` includes the head."""
        return SlowFrame(self, size, size if self._deflate is None else SLICE)

    def parse(self, data: bytes) -> Message | Close | None:
        """Parse bytes of a frame; return the message or the error that they complete."""
        connection = self._open()
        connection.receive_data(data)
        for event in connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    result = self._add(event)
                    if result is not None:
                        return result
                case CloseConnection() if connection.state is ConnectionState.OPEN:
                    # No Close has come. wsproto reports an error of its parser like this.
                    return failure(event.code)
        return None

    def _add(self, event: TextMessage | BytesMessage) -> Message | Close | None:
        message = self.message
        assert message is not None  # made by the head of the first frame
        try:
            message.add(event.data if isinstance(event.data, str) else bytes(event.data))
        except MessageTooBig as error:
            return Close(CloseCode.MESSAGE_TOO_BIG, str(error))
        if not event.message_finished:
            return None
        self.message = None
        return message.join()

    def make_frame(self, part: Message, *, final: bool) -> bytes:
        """Return a frame of a message to send; all parts of a message have one type."""
        event: TextMessage | BytesMessage = (
            TextMessage(part, message_finished=final)
            if isinstance(part, str)
            else BytesMessage(part, message_finished=final)
        )
        return bytes(self._open().send(event))


class SlowFrame:
    """A frame that wsproto reads from its first byte on.

    ``result`` is the message that the frame completes, or a Close when wsproto refuses it.
    """

    __slots__ = ("_lane", "_slice", "remaining", "result")

    def __init__(self, lane: SlowLane, size: int, slice_: int) -> None:
        self.remaining = size  # bytes that are still to come
        self.result: Message | Close | None = None
        self._lane = lane
        self._slice = slice_

    def read(self, data: bytes, start: int) -> int:
        """Read bytes at ``start`` that belong to the frame; return where to continue."""
        stop = min(start + self.remaining, start + self._slice, len(data))
        self.remaining -= stop - start
        self.result = self._lane.parse(data[start:stop])
        return start if isinstance(self.result, Close) else stop
