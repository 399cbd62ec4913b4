"""``FrameScanner``: the frames (RFC 6455 §5.2) in the bytes of one direction, for display."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..protocol.frames import FIN, MASKED, OPCODE, RSV1

#: Bytes that are kept of a message. A line shows fewer, and a secret that begins in them must be
#: complete, so that it can be found.
KEPT = 4096
_LENGTHS = {126: struct.Struct("!H"), 127: struct.Struct("!Q")}


CONTINUATION, FIRST_CONTROL = 0, 8


@dataclass(frozen=True, slots=True)
class SeenMessage:
    """A message that has come to its end, with its beginning, without the mask."""

    opcode: int
    size: int
    beginning: bytes
    compressed: bool = False


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame. The last frame of a message, and a control frame, has the message."""

    opcode: int
    size: int
    message: SeenMessage | None = None


class _Message:
    """The message whose fragments are arriving."""

    def __init__(self) -> None:
        self._opcode = CONTINUATION
        self._size = 0
        self._beginning = bytearray()
        self._compressed = False

    def start(self, opcode: int, *, compressed: bool) -> None:
        """Forget the message before, and begin one."""
        self._opcode, self._size, self._compressed = opcode, 0, compressed
        self._beginning.clear()

    def add(self, size: int, beginning: bytes) -> None:
        """Add the payload of a fragment."""
        self._size += size
        self._beginning += beginning[: KEPT - len(self._beginning)]

    def end(self) -> SeenMessage:
        """Return the message."""
        return SeenMessage(self._opcode, self._size, bytes(self._beginning), self._compressed)


class FrameScanner:
    """Collects the bytes of one direction, and keeps only the beginning of each payload."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head: tuple[int, int, bytes] | None = None  # first byte, size, key
        self._left = 0  # bytes of the payload that have not come yet
        self._beginning = bytearray()
        self._message = _Message()

    def feed(self, data: bytes) -> Iterator[SeenFrame]:
        """Add bytes; yield the frames that are complete."""
        self._data += data
        while self._read_head() and self._read_payload():
            yield self._finish()

    def _read_head(self) -> bool:
        if self._head is not None:
            return True
        if len(self._data) < 2:
            return False
        first, second = self._data[:2]
        size, end = second & ~MASKED, 2
        if (length := _LENGTHS.get(size)) is not None:
            end += length.size
            if len(self._data) < end:
                return False
            (size,) = length.unpack_from(self._data, 2)
        key = 4 if second & MASKED else 0
        if len(self._data) < end + key:
            return False
        self._head = first, size, bytes(self._data[end : end + key])
        self._left = size
        del self._data[: end + key]
        return True

    def _read_payload(self) -> bool:
        taken = self._data[: self._left]
        self._left -= len(taken)
        del self._data[: len(taken)]
        self._beginning += taken[: KEPT - len(self._beginning)]
        return not self._left

    def _finish(self) -> SeenFrame:
        assert self._head is not None
        first, size, key = self._head
        beginning = bytes(self._beginning)
        if key:
            beginning = bytes(byte ^ key[place % 4] for place, byte in enumerate(beginning))
        self._head = None
        self._beginning.clear()
        return self._describe(first, size, beginning)

    def _describe(self, first: int, size: int, beginning: bytes) -> SeenFrame:
        opcode, compressed = first & OPCODE, bool(first & RSV1)
        if opcode >= FIRST_CONTROL:  # it may arrive between two fragments
            return SeenFrame(opcode, size, SeenMessage(opcode, size, beginning, compressed))
        if opcode != CONTINUATION:
            self._message.start(opcode, compressed=compressed)
        self._message.add(size, beginning)
        return SeenFrame(opcode, size, self._message.end() if first & FIN else None)
