"""Frames of an open WebSocket (RFC 6455 §5–§7), without I/O: bytes in, whole messages out.

Strategy: each frame is judged by its head, here. Plain data frames take the :mod:`lane
<c10kws.protocol.lane>`, and control frames are read here; other data frames (fragmented,
compressed, or text that is not valid) are parsed by :class:`wsproto.connection.Connection`, made
when the first one comes: most connections never need it. The ends of
frames are tracked here, so that wsproto never holds a byte beyond the frame it is given. What
wsproto leaves open is closed here:

* it has no limits, so bytes and fragments of a message are counted (``fragments``);
* it parses half of a frame that may not stand where it does, so its answer would depend on how TCP
  cut the frame; it refuses a Close with 1014;
* it forgets to look at its own state (data after a Close, and a Pong while closing, raise), so the
  closing handshake is ours, and it sends no control frame;
* after a parse failure its parser is dead: we send our Close and throw away what follows.
"""

from __future__ import annotations

from . import control, lane
from .closing import REASONS, Close, State
from .compression import Deflate
from .late import LateFrames
from .mask import Mask, mask_slowly
from .messages import Message
from .parser import Parser
from .received import Ended, Event, PingReceived, PongReceived

#: Frames other than plain ones that one call reads, and bytes of a compressed frame that it
#: inflates at a time: they become 8 MiB at most. Others get their turn between two calls.
MAX_FRAMES = 256
SLICE = 8192


class ServerProtocol:
    """One open WebSocket, server side.

    ``receive_data`` takes what the peer sent and returns messages. When ``events`` is not None,
    ``take_events`` returns what came besides them. When ``has_more`` is True, ``receive_data(b"")``
    continues with data that it already has. ``send_*`` return the bytes to write.

    ``mask`` unmasks payloads; ``deflate`` is the extension that the handshake agreed on, new and
    for this connection alone; ``fast_lane=False`` leaves every data frame to wsproto. A call that
    has inflated over ``max_inflated`` bytes of a message returns, and keeps the rest.
    """

    __slots__ = (
        "_at",
        "_data",
        "_deflate",
        "_fault",
        "_in_lane",
        "_late",
        "_left",
        "_mask",
        "_over",
        "_parser",
        "_pieces",
        "events",
        "fast_lane",
        "has_more",
        "max_inflated",
        "max_message_size",
        "state",
    )

    def __init__(
        self,
        max_message_size: int,
        *,
        mask: Mask = mask_slowly,
        deflate: Deflate | None = None,
        fast_lane: bool = True,
        max_inflated: int = 1024 * 1024,
    ) -> None:
        self.max_message_size = max_message_size
        self.max_inflated = max_inflated
        self.fast_lane = fast_lane
        self.state = State.OPEN
        #: True while received data waits to be read; ``receive_data(b"")`` continues with it.
        self.has_more = False
        #: Events for :meth:`take_events`, in the order in which they happened.
        self.events: list[Event] | None = None
        self._mask = mask
        self._deflate = deflate
        self._data = b""  # what is not parsed begins at _at
        self._at = 0
        self._fault: Close | None = None  # to fail with when the messages before are answered
        self._pieces: lane.Pieces | None = None  # a plain frame that is not whole
        self._left = 0  # bytes of the frame that is the parser's and still to come
        self._parser: Parser | None = None
        self._late: LateFrames | None = None  # what comes after our Close
        self._over = False  # no message can come any more
        self._in_lane = fast_lane

    def receive_data(self, data: bytes) -> list[Message]:
        """Return the next messages that ``data`` completes.

        Nothing that is no plain message stands between or behind them: the rest waits for
        a call without data. So all can be answered in the order in which it came, and one
        call inflates one message. A call that had much to do may leave a rest without a message.

        What comes after a Close is not delivered: §1.4 and §5.5.1 end each direction with it. So
        of what the peer sent while our Close was on its way, that is delivered which was handed in
        here, whole, before :meth:`send_close`.
        """
        messages: list[Message] = []
        if self._in_lane:
            stopped = lane.take(data, 0, messages, self._mask, self.max_message_size)
            if stopped == len(data):
                return messages
            self._data, self._at = data, stopped
        elif data and self.state is not State.OPEN:
            self._skip_late(data)
            return messages
        elif data:
            self._data, self._at = self._data[self._at :] + data, 0
        self.has_more = False
        if self._fault is not None:
            self._fail(self._fault)
        elif not self._over:
            self._receive_frames(messages)
        return messages

    @property
    def _lane_free(self) -> bool:
        under_way = self._parser is not None and self._parser.under_way
        return self.fast_lane and self.state is State.OPEN and not under_way

    def _receive_frames(self, messages: list[Message]) -> None:
        """Pass each frame to the lane, to wsproto or to ``control``; it may come in many pieces."""
        data, position = self._data, self._at
        frames, inflated = 0, self._inflated
        while position < len(data) and not (self._over or self.has_more):
            if self._pieces is not None:
                position = self._take_pieces(self._pieces, data, position, messages)
            elif self._left and messages:
                self.has_more = True
            elif self._left:
                position = self._parse(data, position, messages)
                self.has_more = self._inflated - inflated > self.max_inflated and not self._over
            elif frames == MAX_FRAMES:
                self.has_more = True
            else:
                if self._lane_free:
                    position = lane.take(
                        data, position, messages, self._mask, self.max_message_size
                    )
                head = lane.read_head(data, position)
                begun = None if head is None else self._begin_frame(data, position, *head, messages)
                if begun is None:
                    break
                position = begun
                frames += 1
        if self._over:
            data, position = b"", 0
        elif not self.has_more:
            data, position = data[position:], 0  # a few bytes must not keep the whole read alive
        self._data, self._at = data, position
        self._over = self._over or not (self.has_more or self.state is State.OPEN)
        self._in_lane = self._lane_free and not (
            self.has_more or data or self._left or self._pieces
        )

    @property
    def _inflated(self) -> int:
        return 0 if self._deflate is None else self._deflate.inflated

    def _parse(self, data: bytes, position: int, messages: list[Message]) -> int:
        """Pass received bytes of the parser's frame to it; return the position to continue at."""
        stop = min(position + self._left, len(data))
        if self._deflate is not None:
            stop = min(stop, position + SLICE)
        self._left -= stop - position
        result = self._the_parser().parse(data[position:stop])
        if isinstance(result, Close):
            self._fail(result)
        elif result is not None:
            messages.append(result)
        return stop

    def _begin_frame(
        self, data: bytes, position: int, size: int, body: int, messages: list[Message]
    ) -> int | None:
        """Dispatch a frame that is not whole or not plain, by its head.

        Return where to go on; None for a control frame that is not whole.
        """
        first = data[position]
        plain = first in (lane.TEXT, lane.BINARY) and 0 <= size <= self.max_message_size
        if plain and self._lane_free and body + size > len(data):
            self._pieces = lane.Pieces(first, data[body - 4 : body], size, self._mask)
            return body
        if lane.is_broken(first, size, compresses=self._deflate is not None):
            return self._refuse(Close(1002, REASONS[1002]), data, messages)
        if first in control.ALL:
            return self._begin_control(data, position, size, body, messages)
        fault = self._the_parser().begin_frame(first, size)
        if fault is not None:
            return self._refuse(fault, data, messages)
        self._left = body - position + size
        return position

    def _begin_control(
        self, data: bytes, position: int, size: int, body: int, messages: list[Message]
    ) -> int | None:
        stop = body + size
        if stop > len(data):
            return None
        if messages:
            self.has_more = True
            return position
        payload = self._mask(data[body - 4 : body], data[body:stop])
        if self._take_control(data[position], payload):
            return stop
        self._left = stop - position  # wsproto says what is wrong with a Close
        return position

    def _take_pieces(
        self, pieces: lane.Pieces, data: bytes, position: int, messages: list[Message]
    ) -> int:
        try:
            position = pieces.feed(data, position)
        except UnicodeDecodeError:
            return self._refuse(Close(1007, REASONS[1007]), data, messages)
        if pieces.whole:
            self._pieces = None
            messages.append(pieces.message())
        return position

    def _refuse(self, fault: Close, data: bytes, messages: list[Message]) -> int:
        """Fail, when the messages before are answered; return the end of the data."""
        if messages:
            self._fault, self.has_more = fault, True
        else:
            self._fail(fault)
        return len(data)

    def _take_control(self, opcode: int, payload: bytes) -> bool:
        """Handle a whole control frame; return False for a Close that wsproto shall refuse."""
        if opcode == control.PING:
            self._handle_ping(payload)
        elif opcode == control.PONG:
            self._handle_pong(payload)
        elif (close := control.read_close(payload)) is not None:
            self._handle_close(Close(*close))
        else:
            return False
        return True

    def _handle_ping(self, payload: bytes) -> None:
        """§5.5.2: answer "as soon as is practical", but not once a Close is under way."""
        if self.state is State.OPEN:
            self._report(PingReceived(control.make(control.PONG, payload)))

    def _handle_pong(self, payload: bytes) -> None:
        self._report(PongReceived(payload))

    def _handle_close(self, close: Close) -> None:
        """§5.5.1: send one back, unless ours is under way."""
        if self.state is State.OPEN:
            self._end(State.CLOSED, close, control.make_close(close.code, close.reason))
        self._forget()

    # The end

    def _fail(self, fault: Close) -> None:
        """§7.1.7: _Fail the WebSocket Connection_."""
        if self.state is State.OPEN:
            self._end(State.FAILED, fault, control.make_close(fault.code, fault.reason))
        self._forget()

    def _end(self, state: State, close: Close, answer: bytes = b"") -> None:
        self.state = state
        self._report(Ended(close, answer))

    def _forget(self) -> None:
        """Drop unparsed data, of which no message can come."""
        self._over = True
        self._in_lane = self.has_more = False
        self._pieces = self._fault = None
        self._data = b""
        self._at = self._left = 0

    def _skip_late(self, data: bytes) -> None:
        """Look for the peer's Close behind ours."""
        end = None if self._late is None else self._late.skip(data)
        if end is not None:
            self._late = None
            self._end(*end)

    def _report(self, event: Event) -> None:
        if self.events is None:
            self.events = []
        self.events.append(event)

    def take_events(self) -> list[Event]:
        """Return the events since the last call, and forget them."""
        events, self.events = self.events, None
        return events or []

    # Sending

    @property
    def plain(self) -> bool:
        """True when :func:`lane.make_frame` writes the same frame as :meth:`send_message`."""
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
        return self._the_parser().make_frame(part, final=final)

    def _the_parser(self) -> Parser:
        if self._parser is None:
            self._parser = Parser(self.max_message_size, self._deflate)
        return self._parser

    def send_ping(self, payload: bytes) -> bytes:
        """Return a Ping frame (§5.5.2) with at most 125 bytes of payload."""
        return control.make(control.PING, payload)

    def send_close(self, code: int, reason: str = "") -> bytes:
        """Return a Close frame (§5.5.1) and begin the closing handshake; once.

        Data that waits to be read came before it and is still delivered. The peer's Close is
        looked for at once, also behind that data: the handler may never ask for it. When the
        peer's Close, or its protocol error, has already come, this is the answer.
        """
        if self.state is not State.OPEN:
            return control.make_close(code, reason)
        self.state = State.CLOSING
        self._in_lane = False
        fault, rest = self._fault, self._data[self._at :]
        left = self._left if self._pieces is None else self._pieces.left
        if not self.has_more or fault is not None:
            self._forget()
        if fault is not None:
            self._end(State.FAILED, fault)
        else:
            self._late = LateFrames(left, self._mask)
            self._skip_late(rest)
        return control.make_close(code, reason)
