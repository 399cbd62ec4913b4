"""Frames of an open WebSocket (RFC 6455 §5–§7), without I/O: bytes in, whole messages out.

Strategy: plain data frames take the :mod:`lane <c10kws.lane>`, and control frames that come whole
are read here; every other frame is parsed by :class:`wsproto.connection.Connection`, made when the
first one comes: most connections never need it. To know whose a frame is, the ends of frames are
tracked here, so that wsproto never holds a byte beyond the frame it is given. What wsproto leaves
open is closed here:

* it has no limits, so bytes and fragments of a message are counted as they come (``fragments``);
* it forgets to look at its own state (data after a Close, and a Pong while closing, raise), so the
  closing handshake is ours, and it sends no control frame;
* after a parse failure its parser is dead: we send our Close and throw away what follows;
"""

from __future__ import annotations

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from . import control, lane
from .closing import REASONS, Closed, State
from .compression import Deflate
from .fragments import Fragments, TooBig
from .mask import Mask, mask_slowly
from .message import Message


class ServerProtocol:
    """One open WebSocket, server side.

    ``receive_data`` takes what the peer sent and returns messages; beside them, when there is
    ``news``, ``closed`` says how the connection ended, ``pongs`` holds what Pongs carried, and
    answers that the RFC demands (Pong, Close) wait in ``data_to_send``. ``send_*`` return the
    bytes to write.

    ``mask`` unmasks payloads; ``deflate`` is the extension that the handshake agreed on, new and
    for this connection alone; ``fast_lane=False`` leaves every frame that comes to wsproto.
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
        "_pieces",
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
        mask: Mask = mask_slowly,
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
        self._fragments: Fragments | None = None  # the message that wsproto has under way
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
        return self.state is State.OPEN and self._fragments is None

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
        if first in control.ALL and size <= control.MAX_PAYLOAD and body + size <= len(data):
            if messages:
                self.held = True
                return position
            if self._take_control(
                first, self._mask(data[body - 4 : body], data[body : body + size])
            ):
                return body + size
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

    def _take_control(self, opcode: int, payload: bytes) -> bool:
        """Handle a whole control frame; return False for a Close that wsproto shall refuse."""
        if opcode == control.PING:
            self._handle_ping(payload)
        elif opcode == control.PONG:
            self._handle_pong(payload)
        elif (close := control.read_close(payload)) is not None:
            self._handle_close(*close)
        else:
            return False
        return True

    def _handle_ping(self, payload: bytes) -> None:
        """§5.5.2: answer "as soon as is practical", but not once a Close is under way."""
        if self.state is State.OPEN:
            self._answer(control.make(control.PONG, payload))

    def _handle_pong(self, payload: bytes) -> None:
        self.news = True
        self.pongs = self.pongs or []
        self.pongs.append(payload)

    def _handle_close(self, code: int, reason: str) -> None:
        """§5.5.1: send one back, unless ours is under way."""
        if self.state is State.OPEN:
            self._answer(control.make_close(code, reason))
        self._end(State.CLOSED, code, reason)

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
                    self._handle_ping(bytes(event.payload))
                case Pong():
                    self._handle_pong(bytes(event.payload))
                case CloseConnection() if connection.state is ConnectionState.OPEN:
                    # No Close came: wsproto says so when its parser failed, in its own words.
                    self._fail(int(event.code))
                case CloseConnection():
                    self._handle_close(int(event.code), event.reason or "")
            if messages or self._done:
                return

    def _handle_data(self, event: TextMessage | BytesMessage, messages: list[Message]) -> None:
        if self.state is State.CLOSING:  # §1.4: data sent before the peer saw our Close
            return
        part = event.data if isinstance(event.data, str) else bytes(event.data)
        message = self._fragments or Fragments(self.max_message_size)
        try:
            message.add(part, ends_frame=event.frame_finished)
        except TooBig as error:
            self._fail(1009, str(error))
            return
        self._fragments = None if event.message_finished else message
        if event.message_finished:
            messages.append(message.join())

    def _fail(self, code: int, reason: str | None = None) -> None:
        """§7.1.7: _Fail the WebSocket Connection_."""
        if reason is None:
            reason = REASONS.get(code, "")
        if self.state is State.OPEN:
            self._answer(control.make_close(code, reason))
        self._end(State.FAILED, code, reason)

    def _end(self, state: State, code: int, reason: str) -> None:
        self.news = True
        self.state = state
        self.closed = Closed(code, reason)
        self._fragments = self._pieces = None
        self._data = b""
        self._at = self._left = 0

    def _answer(self, data: bytes) -> None:
        self.news = True
        self._out = self._out or []
        self._out.append(data)

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
        return control.make(control.PING, payload)

    def send_close(self, code: int, reason: str = "") -> bytes:
        """Return a Close frame (§5.5.1) and begin the closing handshake."""
        self.state = State.CLOSING
        self._in_lane = False
        return control.make_close(code, reason)
