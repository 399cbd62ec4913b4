"""``ServerProtocol``: an open WebSocket, server side (RFC 6455 §5 to §7), without I/O.

Received bytes go to the ``fastlane``. What it cannot read goes to the ``frame_parser``. The closing
handshake is ours: wsproto does not look at its own state (data after a Close, and a Pong while
closing, raise), and after an error it parses nothing.
"""

from __future__ import annotations

from . import frames
from .closing import Close, State
from .deflate import Deflate
from .discarding import Discarder
from .fastlane import read_frames
from .frame_parser import Control, FrameParser
from .frames import BrokenFrame, Mask, mask_slowly
from .messages import Message
from .rates import Meter
from .received import Ended, Event, PingReceived, PongReceived
from .slowlane import SlowLane


class ServerProtocol:
    """One open WebSocket, server side, without I/O.

    Give what the peer sends to :meth:`receive_data`, and handle the messages that it returns. When
    ``events`` is not None, handle what :meth:`take_events` returns. When ``has_more`` is True, call
    ``receive_data(b"")`` for more. The ``send_*`` methods return bytes to write.

    ``mask`` is the server's masker, if it has one in C. ``deflate`` is the extension that the
    handshake agreed on, made for this connection alone. ``fast_lane=False`` gives every data frame
    to wsproto. A call that has inflated more than ``max_inflated`` bytes returns, and the next one
    continues.
    """

    __slots__ = (
        "_deflate",
        "_discarder",
        "_lane_open",
        "_mask",
        "_max_message_size",
        "_parser",
        "_slow_lane",
        "events",
        "fast_lane",
        "has_more",
        "state",
    )

    def __init__(
        self,
        max_message_size: int,
        *,
        mask: Mask | None = None,
        deflate: Deflate | None = None,
        fast_lane: bool = True,
        max_inflated: int = 1024 * 1024,
    ) -> None:
        self.state = State.OPEN
        #: Events for :meth:`take_events`, in the order in which they happened; None without any.
        self.events: list[Event] | None = None
        #: True while received data waits to be read: ``receive_data(b"")`` continues with it.
        self.has_more = False
        self._max_message_size = max_message_size
        self._mask = mask or mask_slowly
        self._deflate = deflate
        self.fast_lane = fast_lane
        self._slow_lane = SlowLane(max_message_size, deflate)
        self._parser = FrameParser(
            self._slow_lane, self._mask, fast_lane=fast_lane, max_inflated=max_inflated
        )
        self._lane_open = fast_lane  # whether new data may go straight to the fast lane
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
            end = read_frames(data, 0, messages, self._mask, self._max_message_size)
            if end == len(data):
                return messages
            self._parser.begin(data, end)
            self._read(messages)
        else:
            self._continue(data, messages)
        return messages

    def receive_long(self, view: memoryview[int]) -> list[Message]:
        """Do as :meth:`receive_data` with fewer copies of long messages; the view is not kept."""
        messages: list[Message] = []
        if self._lane_open:
            end = read_frames(view, 0, messages, self._mask_views, self._max_message_size)
            if end < len(view):
                self._parser.begin(view[end:].tobytes(), 0)
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
            self._parser.add(data)
        self._read(messages)

    def _read(self, messages: list[Message]) -> None:
        controls: list[Control] = []
        self.has_more = self._parser.read(messages, controls)
        for control in controls:
            self._handle(control)
        if self.state is State.OPEN:
            self._lane_open = self._parser.lane_open
        elif not self.has_more:
            self._forget()

    def take_events(self) -> list[Event]:
        """Return the events since the last call, and forget them."""
        events, self.events = self.events, None
        return events or []

    # Handling control frames, and the end

    def _handle(self, control: Control) -> None:
        match control:
            case PingReceived():
                # §5.5.2: a Ping must be answered, but no frame may follow our Close.
                if self.state is State.OPEN:
                    self._report(control)
            case PongReceived():
                self._report(control)
            case Close():
                self._end(State.CLOSED, control)
            case BrokenFrame():
                self._end(State.FAILED, control.close)

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
        self._parser.forget()
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
        return self._slow_lane.make_frame(part, final=final)

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
        frame, rest = self._parser.frame, self._parser.rest
        if isinstance(frame, BrokenFrame):
            self._forget()
            self._set_ended(State.FAILED, frame.close)
            return
        if not self.has_more:
            self._forget()
        self._discarder = Discarder(0 if frame is None else frame.remaining, self._mask)
        self._discard(rest)
