"""The frames between the hub and its peers: their kinds and their bodies.

A peer begins with HELLO. The hub answers with WELCOME, or with REFUSED if the peer uses another
format. PING, POSITION, READ and UPDATE are answered in their order. An answer also confirms all
frames that the peer has sent earlier.

============== ================ ==============================================
from the peer  answer           body
============== ================ ==============================================
HELLO          WELCOME, REFUSED magic, format, number of the process
PUBLISH                         limits or a zero byte, channel, payload
SUBSCRIBE                       channels
UNSUBSCRIBE                     channels
PING           PONG
POSITION       PLACE            limits, channel
READ           ROWs, then END,  position, channel
               or MISSING
UPDATE         PLACE, LAST      position or a zero byte, limits, channel,
                                payloads
============== ================ ==============================================

UPDATE publishes all its payloads if its position is the last one of the channel. Then PLACE has the
position of the last message. Otherwise LAST has the last row: its position, then a byte 1 and the
payload, or a zero byte.

The hub sends MESSAGE (position or a zero byte, channel, payload) for each message to a channel that
the peer has subscribed to, and LOG (a text) for the log of the peer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

from ..history import HistoryLimits, Position
from .framing import ProtocolError, frame

#: Change this number with the frames. It is part of the socket's name: each format has its own hub.
FORMAT = 1
MAGIC = b"c10kws hub\n"

HELLO, WELCOME, REFUSED, PUBLISH, SUBSCRIBE, UNSUBSCRIBE, PING, PONG, POSITION, PLACE = range(1, 11)
READ, ROW, END, MISSING, MESSAGE, LOG, UPDATE, LAST = range(11, 19)

#: Bytes of the channels in one SUBSCRIBE or UNSUBSCRIBE.
MAX_CHANNELS = 64 * 1024

_GREETING = struct.Struct("!HI")
_SIZE = struct.Struct("!I")
_LIMITS = struct.Struct("!BQdQ")
_SEQ = struct.Struct("!Q")
_NONE = b"\0"
_SOME = 1


# To bytes


def hello(process: int) -> bytes:
    """Return the first frame of a peer."""
    return frame(HELLO, MAGIC, _GREETING.pack(FORMAT, process))


def publish(channel: str, payload: bytes, limits: HistoryLimits | None) -> bytes:
    """Return a frame that publishes a message, and keeps it if there are ``limits``."""
    return frame(PUBLISH, _limits(limits), _text(channel), payload)


def channels(kind: int, names: Iterable[str]) -> Iterator[bytes]:
    """Yield frames of SUBSCRIBE or UNSUBSCRIBE."""
    parts: list[bytes] = []
    size = 0
    for part in map(_text, names):
        if parts and size + len(part) > MAX_CHANNELS:
            yield frame(kind, *parts)
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    if parts:
        yield frame(kind, *parts)


def ask_position(channel: str, limits: HistoryLimits) -> bytes:
    """Return a frame that asks for the last position of a channel."""
    return frame(POSITION, _limits(limits), _text(channel))


def ask_rows(channel: str, since: Position) -> bytes:
    """Return a frame that asks for the rows after a position."""
    return frame(READ, _position(since), _text(channel))


def update(
    expected: Position | None,
    channel: str,
    payloads: Iterable[bytes],
    limits: HistoryLimits | None,
) -> bytes:
    """Return a frame that publishes messages after a position; without one it asks for the row."""
    parts = [_SIZE.pack(len(payload)) + payload for payload in payloads]
    return frame(UPDATE, _position(expected), _limits(limits), _text(channel), *parts)


def place(position: Position) -> bytes:
    """Return the answer to POSITION, or to UPDATE."""
    return frame(PLACE, _position(position))


def row(position: Position, payload: bytes) -> bytes:
    """Return one row of an answer to READ."""
    return frame(ROW, _position(position), payload)


def last(position: Position, payload: bytes | None) -> bytes:
    """Return the last row, an answer to UPDATE."""
    row = _NONE if payload is None else bytes((_SOME,)) + payload
    return frame(LAST, _position(position), row)


def message(position: Position | None, channel: str, payload: bytes) -> bytes:
    """Return a frame that delivers a message."""
    return frame(MESSAGE, _position(position), _text(channel), payload)


def text_frame(kind: int, text: str) -> bytes:
    """Return a frame of REFUSED or LOG."""
    return frame(kind, text.encode("utf-8", "replace"))


def _text(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return _SIZE.pack(len(data)) + data


def _limits(limits: HistoryLimits | None) -> bytes:
    if limits is None:
        return _NONE
    return _LIMITS.pack(_SOME, limits.size, limits.ttl, limits.max_bytes)


def _position(position: Position | None) -> bytes:
    if position is None:
        return _NONE
    epoch = position.epoch.encode()
    return bytes((_SOME, len(epoch))) + epoch + _SEQ.pack(position.seq)


# From bytes


class Body:
    """Reads the parts of a body one after another. All methods raise :exc:`ProtocolError`."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def greeting(self) -> tuple[int, int]:
        """Return the format and the process of a HELLO."""
        if self._bytes(len(MAGIC)) != MAGIC:
            raise ProtocolError("another protocol")
        found: tuple[int, int] = _GREETING.unpack(self._bytes(_GREETING.size))
        return found

    def text(self) -> str:
        """Return the name of a channel."""
        (size,) = _SIZE.unpack(self._bytes(_SIZE.size))
        try:
            return self._bytes(size).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise ProtocolError("a name that is not UTF-8") from error

    def texts(self) -> Iterator[str]:
        """Yield all names to the end."""
        while self._at < len(self._data):
            yield self.text()

    def limits(self) -> HistoryLimits | None:
        """Return limits, or None."""
        if not self._is_there():
            return None
        self._at -= 1
        _, size, ttl, max_bytes = _LIMITS.unpack(self._bytes(_LIMITS.size))
        try:
            return HistoryLimits(size, ttl, max_bytes)
        except ValueError as error:
            raise ProtocolError(str(error)) from error

    def position(self) -> Position | None:
        """Return a position, or None."""
        if not self._is_there():
            return None
        try:
            epoch = self._bytes(self._bytes(1)[0]).decode("ascii")
        except UnicodeDecodeError as error:
            raise ProtocolError("an epoch that is not ASCII") from error
        (seq,) = _SEQ.unpack(self._bytes(_SEQ.size))
        return Position(epoch, seq)

    def payloads(self) -> list[bytes]:
        """Return all payloads to the end."""
        found: list[bytes] = []
        while self._at < len(self._data):
            (size,) = _SIZE.unpack(self._bytes(_SIZE.size))
            found.append(self._bytes(size))
        return found

    def row(self) -> bytes | None:
        """Return what is left as a payload, or None."""
        if self._is_there():
            return self.rest()
        self.end()
        return None

    def rest(self) -> bytes:
        """Return the rest of the body."""
        return self._data[self._at :]

    def end(self) -> None:
        """Check that the body has been read completely."""
        if self._at != len(self._data):
            raise ProtocolError("a frame that is too long")

    def _is_there(self) -> bool:
        (flag,) = self._bytes(1)
        if flag not in (0, _SOME):
            raise ProtocolError(f"a flag of {flag}")
        return flag == _SOME

    def _bytes(self, size: int) -> bytes:
        data = self._data[self._at : self._at + size]
        if len(data) < size:
            raise ProtocolError("a frame that is too short")
        self._at += size
        return data


def is_possible(position: Position) -> bool:
    """Return False for a position that does not fit into a frame; no hub has assigned it."""
    epoch, seq = position.epoch, position.seq
    return len(epoch) < 256 and epoch.isascii() and 0 <= seq < 1 << 64


def required(position: Position | None) -> Position:
    """Return a position. Raises :exc:`ProtocolError` for None."""
    if position is None:
        raise ProtocolError("a frame without a position")
    return position
