"""``FrameReader``: the frames (RFC 6455 §5.2) in the bytes of one direction, for display."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from ..protocol.frames import FIN, MASKED, OPCODE, RSV1

#: Bytes that are kept of a payload. A line shows fewer, and a secret that begins in them must be
#: complete, so that it can be found.
KEPT = 4096
_LENGTHS = {126: struct.Struct("!H"), 127: struct.Struct("!Q")}


@dataclass(frozen=True, slots=True)
class SeenFrame:
    """A frame with the beginning of its payload, without the mask."""

    opcode: int
    size: int
    beginning: bytes
    final: bool = True
    compressed: bool = False


class FrameReader:
    """Collects the bytes of one direction, and keeps only the beginning of each payload."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._head: tuple[int, int, bytes] | None = None  # first byte, size, key
        self._left = 0  # bytes of the payload that have not come yet
        self._beginning = bytearray()

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
        return SeenFrame(first & OPCODE, size, beginning, bool(first & FIN), bool(first & RSV1))
