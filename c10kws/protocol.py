"""Frames of an open WebSocket (RFC 6455 §5–§7), without I/O: bytes in, whole messages out.

Strategy: plain data frames take the :mod:`lane <c10kws.lane>`; every other frame is parsed and
written by :class:`wsproto.connection.Connection`, made when the first one comes. To know when the
lane is free, the ends of frames are tracked here, so that wsproto never holds a byte beyond the
frame it is given. What wsproto leaves open is closed here:

* it has no limits, so bytes and fragments of a message are counted as they come;
* it forgets to look at its own state: data after a Close, and a Pong while closing, raise;
* after a parse failure its parser is dead: we send our Close and throw away what follows;
* it sends any close code: :func:`check_close` validates ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from . import lane
from .compression import Deflate
from .message import Message, size_of


class State(Enum):
    """Where the closing handshake stands (RFC 6455 §7.1)."""

    OPEN = "open"
    CLOSING = "closing"  # our Close is sent, the peer's has not come
    CLOSED = "closed"  # both Closes are through
    FAILED = "failed"  # the peer broke the protocol: our Close is sent, the rest is thrown away


@dataclass(frozen=True, slots=True)
class Closed:
    """How the connection ended; no message comes after it. ``code`` is 1005 when none was sent."""

    code: int
    reason: str


#: A message may come in this many fragments. RFC 6455 sets no bound, and empty ones cost memory;
#: the conformance suite sends 4 MiB in fragments of 64 bytes, and an empty one.
MAX_FRAGMENTS = 131_072

NO_STATUS = 1005
ABNORMAL = 1006
_REASONS = {
    1002: "protocol error",
    1007: "data that is not valid",
    1008: "too many final blocks",
    1009: "message too big",
}


def check_close(code: int, reason: str) -> None:
    """Raise ValueError unless ``code`` and ``reason`` may stand in a Close frame.

    RFC 6455 §7.4: 1000–1003 and 1007–1014 are defined and may be sent, 3000–4999 are free for
    libraries and applications; §5.5: a control frame carries 125 bytes, two of them the code.
    """
    if not (code in range(1000, 1004) or code in range(1007, 1015) or code in range(3000, 5000)):
        raise ValueError(f"expected a close code of 1000–1003, 1007–1014 or 3000–4999, not {code}")
    size = len(reason.encode())
    if size > 123:
        raise ValueError(f"expected a reason of at most 123 bytes in UTF-8, not {size}: {reason!r}")


class ServerProtocol:
    """One open WebSocket, server side.

    ``receive_data`` takes what the peer sent and returns messages; beside them, when there is
    ``news``, ``closed`` says how the connection ended, ``pongs`` holds what Pongs carried, and
    answers that the RFC demands (Pong, Close) wait in ``data_to_send``. ``send_*`` return the
    bytes to write.

    ``mask`` unmasks payloads; ``deflate`` is the extension that the handshake agreed on, new and
    for this connection alone; ``fast_lane=False`` leaves every frame to wsproto.
    """

    __slots__ = (
        "_at",
        "_connection",
        "_data",
        "_deflate",
        "_fault",
        "_fragments",
        "_in_lane",
        "_left",
        "_mask",
        "_out",
        "_parts",
        "_pieces",
        "_size",
        "closed",
        "fast_lane",
        "held",
        "max_message_size",
        "news",
        "pongs",
        "state",
    )

    def __init__(
        self,
        max_message_size: int,
        *,
        mask: lane.Mask = lane.mask_slowly,
        deflate: Deflate | None = None,
        fast_lane: bool = True,
    ) -> None:
        self.max_message_size = max_message_size
        self.fast_lane = fast_lane
        self.state = State.OPEN
        self.held = False  # there is more for receive_data, which needs no data for it
        self.news = False  # there is something beside messages; whoever looks takes it back
        self.closed: Closed | None = None
        self.pongs: list[bytes] | None = None
        self._mask = mask
        self._deflate = deflate
        self._connection: Connection | None = None
        self._data = b""  # what is not parsed begins at _at
        self._at = 0
        self._fault = 0  # the code to fail with when the messages before are answered
        self._pieces: lane.Pieces | None = None  # a plain frame that is not whole
        self._left = 0  # bytes of the frame that is wsproto's and still to come
        # The message that wsproto has under way.
        self._parts: list[Message] | None = None
        self._size = 0
        self._fragments = 0
        self._in_lane = fast_lane
        self._out: list[bytes] | None = None

    def receive_data(self, data: bytes) -> list[Message]:
        """Return the next messages that ``data`` completes.

        Nothing that is no plain message stands between or behind them: the rest is ``held``, until
        a call without data goes on. So all can be answered in the order in which it came, and one
        call inflates one message. What comes after a Close, in either direction, is not delivered
        (§5.5.1, §7.1.4).
        """
        messages: list[Message] = []
        if self._in_lane:
            stopped = lane.take(data, 0, messages, self._mask, self.max_message_size)
            if stopped == len(data):
                return messages
            self._data, self._at = data, stopped
        elif self._done:
            return messages
        elif data and self.fast_lane:
            self._data, self._at = self._data[self._at :] + data, 0
        self.held = False
        if self._fault:
            self._fail(self._fault)
        elif self.fast_lane:
            self._receive_mixed(messages)
        else:
            self._receive_frames(data, messages)
            self.held = bool(messages)
        return messages

    @property
    def _done(self) -> bool:
        return self.state is State.CLOSED or self.state is State.FAILED

    @property
    def _lane_free(self) -> bool:
        return self.state is State.OPEN and self._parts is None

    def _receive_mixed(self, messages: list[Message]) -> None:
        """Give each frame to the lane or to wsproto; a frame may come in many pieces."""
        data, position = self._data, self._at
        while position < len(data) and not (self._done or self.held):
            if self._pieces is not None:
                position = self._take_pieces(self._pieces, data, position, messages)
            elif self._left and messages:
                self.held = True
            elif self._left:
                stop = min(position + self._left, len(data))
                self._left -= stop - position
                self._receive_frames(data[position:stop], messages)
                position = stop
            else:
                if self._lane_free:
                    position = lane.take(
                        data, position, messages, self._mask, self.max_message_size
                    )
                head = lane.read_head(data, position)
                if head is None:
                    break
                position = self._begin_frame(data, position, *head, messages)
        if not self.held:
            data, position = data[position:], 0  # a few bytes must not keep the whole read alive
        self._data, self._at = data, position
        begun = self.held or data or self._left or self._pieces
        self._in_lane = self._lane_free and not begun

    def _begin_frame(
        self, data: bytes, position: int, size: int, body: int, messages: list[Message]
    ) -> int:
        """Look at the head of a frame that is not whole or not plain: whose is it?"""
        if size < 0:
            return self._refuse(1002, data, messages)
        first = data[position]
        plain = first in (lane.TEXT, lane.BINARY) and size <= self.max_message_size
        if plain and self._lane_free and body + size > len(data):
            self._pieces = lane.Pieces(first, data[body - 4 : body], size, self._mask)
            return body
        self._left = body - position + size
        return position

    def _take_pieces(
        self, pieces: lane.Pieces, data: bytes, position: int, messages: list[Message]
    ) -> int:
        try:
            position = pieces.feed(data, position)
        except UnicodeDecodeError:
            return self._refuse(1007, data, messages)
        if pieces.whole:
            self._pieces = None
            if self.state is State.OPEN:
                messages.append(pieces.message())
        return position

    def _refuse(self, code: int, data: bytes, messages: list[Message]) -> int:
        """Fail, when the messages before are answered; return the end of the data."""
        if messages:
            self._fault, self.held = code, True
        else:
            self._fail(code)
        return len(data)

    # What wsproto is for

    def _wsproto(self) -> Connection:
        if self._connection is None:
            extensions = [] if self._deflate is None else [self._deflate]
            self._connection = Connection(ConnectionType.SERVER, list(extensions))
        return self._connection

    def _receive_frames(self, data: bytes, messages: list[Message]) -> None:
        if self._done:
            return
        connection = self._wsproto()
        if data:
            connection.receive_data(data)
        for event in connection.events():
            match event:
                case TextMessage() | BytesMessage():
                    self._handle_data(event, messages)
                case Ping():
                    self._handle_ping(event)
                case Pong():
                    self.news = True
                    self.pongs = self.pongs or []
                    self.pongs.append(bytes(event.payload))
                case CloseConnection():
                    self._handle_close(event)
            if messages or self._done:
                return

    def _handle_data(self, event: TextMessage | BytesMessage, messages: list[Message]) -> None:
        if self.state is State.CLOSING:  # §1.4: data sent before the peer saw our Close
            return
        part = event.data if isinstance(event.data, str) else bytes(event.data)
        # The size of a text is that of its bytes on the wire.
        self._size += size_of(part)
        self._fragments += event.frame_finished
        if self._size > self.max_message_size:
            self._fail(1009, f"message over {self.max_message_size} bytes")
            return
        if self._fragments > MAX_FRAGMENTS:
            self._fail(1009, f"message of over {MAX_FRAGMENTS} fragments")
            return
        if self._parts is None:
            self._parts = []
        if part:
            self._parts.append(part)
        if event.message_finished:
            parts, self._parts, self._size, self._fragments = self._parts, None, 0, 0
            empty = "" if isinstance(part, str) else b""
            messages.append(empty.join(parts))  # type: ignore[arg-type]

    def _handle_ping(self, event: Ping) -> None:
        """§5.5.2: answer "as soon as is practical", but not once a Close is under way."""
        if self.state is State.OPEN:
            self._answer(self._wsproto().send(event.response()))

    def _handle_close(self, event: CloseConnection) -> None:
        state = self._wsproto().state
        if state is ConnectionState.OPEN or state is ConnectionState.LOCAL_CLOSING:
            # No Close came: wsproto says so when its parser failed, in its own words.
            self._fail(int(event.code))
            return
        if state is ConnectionState.REMOTE_CLOSING:
            self._answer(self._wsproto().send(event.response()))
        self._end(State.CLOSED, int(event.code), event.reason or "")

    def _fail(self, code: int, reason: str | None = None) -> None:
        """§7.1.7: _Fail the WebSocket Connection_."""
        if reason is None:
            reason = _REASONS.get(code, "")
        if self.state is State.OPEN:
            self._answer(self._wsproto().send(CloseConnection(code, reason)))
        self._end(State.FAILED, code, reason)

    def _end(self, state: State, code: int, reason: str) -> None:
        self.news = True
        self.state = state
        self.closed = Closed(code, reason)
        self._parts = self._pieces = None
        self._data = b""
        self._at = self._left = 0

    def _answer(self, data: bytes) -> None:
        self.news = True
        self._out = self._out or []
        self._out.append(bytes(data))

    def data_to_send(self) -> bytes:
        """Return the answers that are due to the peer, and forget them."""
        out, self._out = self._out, None
        return b"".join(out) if out else b""

    # Sending

    @property
    def plain(self) -> bool:
        """Whether :func:`lane.make_frame` writes what :meth:`send_message` would."""
        return self.fast_lane and self._deflate is None and self.state is State.OPEN

    def send_message(self, message: Message) -> bytes:
        """Return one unfragmented text (str) or binary (bytes) frame (§5.6)."""
        if self.plain or (
            self.fast_lane
            and self.state is State.OPEN
            and self._deflate is not None
            and not self._deflate.wants(message)
        ):
            return lane.make_frame(message)
        return self.send_fragment(message, final=True)

    def send_fragment(self, part: Message, *, final: bool) -> bytes:
        """Return a frame of a fragmented message (§5.4), all of whose parts are of one type."""
        event: TextMessage | BytesMessage = (
            TextMessage(part, message_finished=final)
            if isinstance(part, str)
            else BytesMessage(part, message_finished=final)
        )
        return bytes(self._wsproto().send(event))

    def send_ping(self, payload: bytes) -> bytes:
        """Return a Ping frame (§5.5.2) with at most 125 bytes of payload."""
        return bytes(self._wsproto().send(Ping(payload)))

    def send_close(self, code: int, reason: str = "") -> bytes:
        """Return a Close frame (§5.5.1) and begin the closing handshake."""
        self.state = State.CLOSING
        self._in_lane = False
        return bytes(self._wsproto().send(CloseConnection(code, reason)))
