"""Frames of an open WebSocket, server side (RFC 6455 §5): bytes in, messages and events out.

A frame is read in the order of §5.2: its head, its payload, then what its opcode asks for. The head
decides who reads the payload:

* the ``fastlane`` reads plain frames, many at a time, or one as a ``PlainFrame`` in pieces;
* control frames are short, and are read here when they are whole;
* the ``slowlane`` reads other data frames with wsproto, each as a ``SlowFrame``;
* a frame that is not allowed where it stands is a ``BrokenFrame``, which fails the connection.

The closing handshake is ours: wsproto does not look at its own state (data after a Close, and a
Pong while closing, raise), and after an error it parses nothing.
"""

from __future__ import annotations

from . import frames
from .closing import Close, CloseCode, State, failure
from .deflate import Deflate
from .discarding import Discarder
from .fastlane import PlainFrame, read_frames
from .frames import BrokenFrame, Mask, mask_slowly
from .messages import Message
from .rates import Meter
from .received import Ended, Event, PingReceived, PongReceived
from .slowlane import SlowFrame, SlowLane

#: Heads that one call reads outside the fast lane: other connections get their turn between calls.
MAX_FRAMES = 256

FrameUnderWay = PlainFrame | SlowFrame | BrokenFrame


class ServerProtocol:
    """One open WebSocket, server side, without I/O.

    Give what the peer sends to :meth:`receive_data`, and handle the messages that it returns. When
    ``events`` is not None, handle what :meth:`take_events` returns. When ``has_more`` is True, call
    ``receive_data(b"")`` for more. The ``send_*`` methods return bytes to write.

    ``deflate`` is the extension that the handshake agreed on, made for this connection alone.
    ``fast_lane=False`` gives every data frame to wsproto. A call that has inflated more than
    ``max_inflated`` bytes returns, and the next one continues.
    """

    __slots__ = (
        "_data",
        "_deflate",
        "_discarder",
        "_frame",
        "_lane_open",
        "_mask",
        "_position",
        "_slow_lane",
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
        #: Events for :meth:`take_events`, in the order in which they happened; None without any.
        self.events: list[Event] | None = None
        #: True while received data waits to be read: ``receive_data(b"")`` continues with it.
        self.has_more = False
        self._mask = mask
        self._deflate = deflate
        self._data = b""  # data that is not read begins at _position
        self._position = 0
        self._frame: FrameUnderWay | None = None
        self._lane_open = fast_lane  # whether new data may go straight to the fast lane
        self._slow_lane: SlowLane | None = None  # most connections need none
        self._discarder: Discarder | None = None  # reads what comes after our Close

    @property
    def meter(self) -> Meter | None:
        """The meter of what the peer sends; None without a limited rate."""
        return None

    # Receiving

    def receive_data(self, data: bytes) -> list[Message]:
        """Return the next messages that ``data`` completes.

        They can all be answered in the order in which they came: where anything but plain messages
        comes after them, the call stops before it, and ``has_more`` is True. A call that had much
        to do stops too, even without a message.

        §1.4 and §5.5.1: nothing that comes after a Close is delivered. Of the messages that the
        peer sent while our Close was on its way, those are delivered which were given to this
        method, whole, before :meth:`send_close`.
        """
        messages: list[Message] = []
        if self._lane_open:
            end = read_frames(data, 0, messages, self._mask, self.max_message_size)
            if end == len(data):
                return messages
            self._data, self._position = data, end
            self._read(messages)
        else:
            self._continue(data, messages)
        return messages

    def receive_long(self, view: memoryview[int]) -> list[Message]:
        """Do as :meth:`receive_data` with fewer copies of long messages; the view is not kept."""
        messages: list[Message] = []
        if self._lane_open:
            end = read_frames(view, 0, messages, self._mask_views, self.max_message_size)
            if end < len(view):
                self._data, self._position = view[end:].tobytes(), 0
                self._read(messages)
        else:
            self._continue(view.tobytes(), messages)
        return messages

    def _mask_views(self, key: memoryview[int], payload: memoryview[int]) -> bytes:
        return self._mask(key.tobytes(), payload.tobytes())

    def _continue(self, data: bytes, messages: list[Message]) -> None:
        """Read what was kept, and ``data``."""
        if data and self.state is not State.OPEN:
            self._discard(data)
            return
        if data:
            self._data, self._position = self._data[self._position :] + data, 0
        self._read(messages)

    def take_events(self) -> list[Event]:
        """Return the events since the last call, and forget them."""
        events, self.events = self.events, None
        return events or []

    def _read(self, messages: list[Message]) -> None:
        """Read frames until the data ends, the call has done enough, or the rest must wait."""
        self.has_more = False
        count, inflated_before = 0, self._inflated_bytes
        while self._position < len(self._data) and not self.has_more:
            inflated = self._inflated_bytes - inflated_before
            if count > MAX_FRAMES or inflated > self.max_inflated:
                self.has_more = True
            elif self._frame is not None:
                self._read_payload(self._frame, messages)
            elif self._read_head(messages):
                count += 1
            else:
                break
        self._keep_rest()

    def _keep_rest(self) -> None:
        """Keep data that is not read, but nothing of it once a Close was sent or received."""
        if not self.has_more:
            # Slice: a few bytes must not keep all of a long read in memory.
            self._data, self._position = self._data[self._position :], 0
            if self.state is not State.OPEN:
                self._forget()
        between_frames = not (self.has_more or self._data or self._frame)
        self._lane_open = between_frames and self._may_be_plain

    @property
    def _may_be_plain(self) -> bool:
        """True where a plain frame may begin: no message in fragments is under way."""
        in_message = self._slow_lane is not None and self._slow_lane.in_message
        return self.fast_lane and self.state is State.OPEN and not in_message

    def _open_slow_lane(self) -> SlowLane:
        if self._slow_lane is None:
            self._slow_lane = SlowLane(self.max_message_size, self._deflate)
        return self._slow_lane

    @property
    def _inflated_bytes(self) -> int:
        """Bytes that all compressed messages have inflated to."""
        return 0 if self._deflate is None else self._deflate.inflated_bytes

    # Reading one frame

    def _read_head(self, messages: list[Message]) -> bool:
        """Begin the next frame as its head demands; return False to wait for more data.

        ``first`` is its first byte, ``size`` that of the payload, which begins at ``body``.
        """
        head = frames.read_head(self._data, self._position)
        if head is None:
            return False
        first, (size, body) = self._data[self._position], head
        if self._is_plain(first, size) and self._read_plain_frames(first, size, body, messages):
            return True
        if frames.is_broken(first, size, compresses=self._deflate is not None):
            self._frame = BrokenFrame(failure(CloseCode.PROTOCOL_ERROR))
        elif first in frames.CONTROL_FRAMES:
            return self._read_control_frame(first, body, body + size, messages)
        else:
            self._frame = self._open_slow_lane().begin_frame(first, size, body - self._position)
        return True

    def _is_plain(self, first: int, size: int) -> bool:
        fits = 0 <= size <= self.max_message_size
        return first in frames.MESSAGES and fits and self._may_be_plain

    def _read_plain_frames(self, first: int, size: int, body: int, messages: list[Message]) -> bool:
        """Read whole frames, or begin one; return False for a text that is not UTF-8."""
        data, start = self._data, self._position
        if body + size > len(data):
            self._frame = PlainFrame(first, data[body - 4 : body], size, self._mask)
            self._position = body
        else:
            self._position = read_frames(data, start, messages, self._mask, self.max_message_size)
        return self._position > start

    def _read_payload(self, frame: FrameUnderWay, messages: list[Message]) -> None:
        """Read payload of the frame under way; all but a plain one wait for the messages before."""
        if messages and not isinstance(frame, PlainFrame):
            self.has_more = True
        elif isinstance(frame, BrokenFrame):
            self._end(State.FAILED, frame.close)
        else:
            self._position = frame.read(self._data, self._position)
            if isinstance(frame.result, Close):
                self._frame = BrokenFrame(frame.result)
            elif not frame.remaining:
                self._frame = None
                if frame.result is not None:
                    messages.append(frame.result)

    def _read_control_frame(self, first: int, body: int, end: int, messages: list[Message]) -> bool:
        """Handle a control frame; return False when it is not whole."""
        if end > len(self._data):
            return False
        if messages:
            self.has_more = True
            return True
        payload = self._mask(self._data[body - 4 : body], self._data[body:end])
        start, self._position = self._position, end
        if first == frames.PING:
            self._answer_ping(payload)
        elif first == frames.PONG:
            self._report(PongReceived(payload))
        elif (close := Close.from_payload(payload)) is not None:
            self._end(State.CLOSED, close)
        else:
            self._position = start
            self._frame = self._open_slow_lane().judge_frame(end - start)
        return True

    # Handling control frames, and the end

    def _answer_ping(self, payload: bytes) -> None:
        """Answer a Ping (§5.5.2), unless a Close was sent: no frame may follow it."""
        if self.state is State.OPEN:
            self._report(PingReceived(frames.make_pong(payload)))

    def _end(self, state: State, close: Close) -> None:
        """Answer the peer's Close (§5.5.1) or its fault (§7.1.7), unless our Close is sent."""
        if self.state is State.OPEN:
            self._set_ended(state, close, frames.make_close(close))
        self._forget()

    def _set_ended(self, state: State, close: Close, answer: bytes = b"") -> None:
        self.state = state
        self._report(Ended(close, answer))

    def _report(self, event: Event) -> None:
        if self.events is None:
            self.events = []
        self.events.append(event)

    def _forget(self) -> None:
        """Drop data that is not read: no message can come of it."""
        self._data, self._position = b"", 0
        self._frame = None
        self._lane_open = self.has_more = False

    def _discard(self, data: bytes) -> None:
        """Look for the peer's Close after ours."""
        end = None if self._discarder is None else self._discarder.discard(data)
        if end is not None:
            self._discarder = None
            self._set_ended(*end)

    # Sending

    @property
    def sends_plain_frames(self) -> bool:
        """True when ``frames.make_frame`` returns the same frame as :meth:`send_message`."""
        return self.fast_lane and self._deflate is None and self.state is State.OPEN

    def send_message(self, message: Message) -> bytes:
        """Return a text (str) or binary (bytes) message in one frame (§5.6)."""
        plain = self._deflate is None or not self._deflate.wants(message)
        if plain and self.fast_lane and self.state is State.OPEN:
            return frames.make_frame(message)
        return self.send_fragment(message, final=True)

    def send_fragment(self, part: Message, *, final: bool) -> bytes:
        """Return a frame of a message in fragments (§5.4), all of whose parts are of one type."""
        return self._open_slow_lane().make_frame(part, final=final)

    def send_ping(self, payload: bytes) -> bytes:
        """Return a Ping frame (§5.5.2) with at most 125 bytes of payload."""
        return frames.make_ping(payload)

    def send_close(self, code: int, reason: str = "") -> bytes:
        """Return a Close frame (§5.5.1) and begin the closing handshake, once.

        Messages that were received before are still delivered. The peer's Close is looked for at
        once, also after them: the handler may never read them. When the peer's Close, or a fault of
        the peer, came first, this Close is the answer.
        """
        if self.state is State.OPEN:
            self.state = State.CLOSING
            self._lane_open = False
            self._begin_closing()
        return frames.make_close(Close(code, reason))

    def _begin_closing(self) -> None:
        frame, rest = self._frame, self._data[self._position :]
        if isinstance(frame, BrokenFrame):
            self._forget()
            self._set_ended(State.FAILED, frame.close)
            return
        if not self.has_more:
            self._forget()
        self._discarder = Discarder(0 if frame is None else frame.remaining, self._mask)
        self._discard(rest)
