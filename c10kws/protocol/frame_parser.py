"""``FrameParser``: frames one at a time (RFC 6455 §5), where the fast lane cannot read all data.

A frame is read in the order of §5.2: its head, its payload, then what its opcode asks for. The head
decides who reads the payload:

* the ``fastlane`` reads plain frames, many at a time, or one as a ``PlainFrame`` in pieces;
* control frames are short, and are read here when they are whole;
* the ``slowlane`` reads other data frames with wsproto, each as a ``SlowFrame``;
* a frame that is not allowed where it stands is a ``BrokenFrame``. Nothing is read after it.
"""

from __future__ import annotations

from . import frames
from .closing import Close, CloseCode, failure
from .fastlane import PlainFrame, read_frames
from .frames import BrokenFrame, Mask
from .messages import Message
from .received import PingReceived, PongReceived
from .slowlane import SlowFrame, SlowLane

#: Heads that one call reads outside the fast lane: other connections get their turn between calls.
MAX_HEADS = 256

FrameUnderWay = PlainFrame | SlowFrame | BrokenFrame

#: A control frame as it was received. A Close and a BrokenFrame are the last ones.
Control = PingReceived | PongReceived | Close | BrokenFrame


class FrameParser:
    """Parser of received frames. It keeps data that is not read yet.

    ``frame`` is the one under way, whose payload has not all come. The parser does not know the
    state of the connection: its owner calls :meth:`forget` when no message can come any more.
    ``slow_lane`` has the limit of a message. With ``fast_lane=False`` it gets every data frame.
    """

    __slots__ = (
        "_data",
        "_enough",
        "_fast_lane",
        "_mask",
        "_max_inflated",
        "_position",
        "_slow_lane",
        "frame",
    )

    def __init__(
        self, slow_lane: SlowLane, mask: Mask, *, fast_lane: bool, max_inflated: int
    ) -> None:
        self._slow_lane = slow_lane
        self._mask = mask
        self._fast_lane = fast_lane
        self._max_inflated = max_inflated
        self._data = b""  # data that is not read begins at _position
        self._position = 0
        self._enough = False  # whether the rest must wait for another call
        self.frame: FrameUnderWay | None = None

    # Data that is not read

    def begin(self, data: bytes, position: int) -> None:
        """Keep data from a position on: the fast lane has read the rest. Nothing else is kept."""
        self._data, self._position = data, position

    def add(self, data: bytes) -> None:
        """Append data to what is kept."""
        self._data, self._position = self._data[self._position :] + data, 0

    @property
    def rest(self) -> bytes:
        """Data that is not read."""
        return self._data[self._position :]

    def forget(self) -> None:
        """Drop data that is not read, and the frame under way."""
        self._data, self._position = b"", 0
        self.frame = None

    @property
    def lane_open(self) -> bool:
        """True when new data may go straight to the fast lane: nothing is under way."""
        between_messages = self.frame is None and self._slow_lane.message is None
        return self._fast_lane and between_messages and not self._data

    # Reading

    def read(self, messages: list[Message], controls: list[Control]) -> bool:
        """Append the messages and control frames that the data completes.

        The control frames of a call came before its messages. Return True when the call stopped
        early: it has done enough, or a control frame follows messages. Another call continues.
        """
        self._enough = False
        count, inflated_before = 0, self._slow_lane.inflated_bytes
        while self._position < len(self._data) and not self._enough:
            inflated = self._slow_lane.inflated_bytes - inflated_before
            if count > MAX_HEADS or inflated > self._max_inflated:
                self._enough = True
            elif self.frame is not None:
                self._read_payload(self.frame, messages, controls)
            elif self._read_head(messages, controls):
                count += 1
            else:
                break
        if not self._enough:
            # Slice: a few bytes must not keep all of a long read in memory.
            self._data, self._position = self._data[self._position :], 0
        return self._enough

    def _read_head(self, messages: list[Message], controls: list[Control]) -> bool:
        """Begin the next frame as its head demands; return False to wait for more data.

        ``first`` is its first byte, ``size`` that of the payload, which begins at ``body``.
        """
        head = frames.read_head(self._data, self._position)
        if head is None:
            return False
        first, (size, body) = self._data[self._position], head
        if self._is_plain(first, size) and self._read_plain_frames(first, size, body, messages):
            return True
        if frames.is_broken(first, size, compresses=self._slow_lane.compresses):
            self.frame = BrokenFrame(failure(CloseCode.PROTOCOL_ERROR))
        elif first in frames.CONTROL_FRAMES:
            if body + size > len(self._data):
                return False
            self._enough = bool(messages)
            if not messages:
                self._read_control_frame(first, body, body + size, controls)
        else:
            self.frame = self._slow_lane.begin_frame(first, size, body - self._position)
        return True

    def _is_plain(self, first: int, size: int) -> bool:
        """Return True for a plain frame where one may begin: between messages."""
        lane = self._slow_lane
        fits = lane.message is None and 0 <= size <= lane.limit
        return self._fast_lane and fits and first in frames.MESSAGES

    def _read_plain_frames(self, first: int, size: int, body: int, messages: list[Message]) -> bool:
        """Read whole frames, or begin one; return False for a text that is not UTF-8."""
        data, start = self._data, self._position
        if body + size > len(data):
            self.frame = PlainFrame(first, data[body - 4 : body], size, self._mask)
            self._position = body
        else:
            self._position = read_frames(data, start, messages, self._mask, self._slow_lane.limit)
        return self._position > start

    def _read_payload(
        self, frame: FrameUnderWay, messages: list[Message], controls: list[Control]
    ) -> None:
        """Read payload of the frame under way; all but a plain one wait for the messages before."""
        if messages and not isinstance(frame, PlainFrame):
            self._enough = True
        elif isinstance(frame, BrokenFrame):
            self._end(frame, controls)
        else:
            self._position = frame.read(self._data, self._position)
            if isinstance(frame.result, Close):
                self.frame = BrokenFrame(frame.result)
            elif not frame.remaining:
                self.frame = None
                if frame.result is not None:
                    messages.append(frame.result)

    def _read_control_frame(self, first: int, body: int, end: int, controls: list[Control]) -> None:
        """Read a whole control frame, with its payload from ``body`` to ``end``."""
        payload = self._mask(self._data[body - 4 : body], self._data[body:end])
        start, self._position = self._position, end
        if first == frames.PING:
            controls.append(PingReceived(frames.make_pong(payload)))
        elif first == frames.PONG:
            controls.append(PongReceived(payload))
        elif (close := Close.from_payload(payload)) is not None:
            self._end(close, controls)
        else:
            self._position = start
            self.frame = self._slow_lane.judge_frame(end - start)

    def _end(self, last: Close | BrokenFrame, controls: list[Control]) -> None:
        controls.append(last)
        self.forget()
