"""Frames on a stream: a length of four bytes, a kind of one byte, and a body.

The length is that of the kind and the body together. Numbers are big-endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

#: Bytes of the longest frame. A longer one ends the connection.
MAX_FRAME = 16 * 1024 * 1024
HEAD = struct.Struct("!IB")
LENGTH = 4  # bytes of the length


class ProtocolError(Exception):
    """Raised for bytes that are not valid in this format."""


def frame(kind: int, *parts: bytes) -> bytes:
    """Return a frame; ``parts`` are its body."""
    return b"".join((HEAD.pack(sum(map(len, parts)) + 1, kind), *parts))


class FrameParser:
    """Finds the frames in the bytes of a stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def receive_data(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the kind and the body of each complete frame. Raises :exc:`ProtocolError`."""
        self._buffer += data
        start = 0
        try:
            while len(self._buffer) - start >= HEAD.size:
                length, kind = HEAD.unpack_from(self._buffer, start)
                if not 0 < length <= MAX_FRAME:
                    raise ProtocolError(f"a frame of {length} bytes")
                end = start + LENGTH + length
                if len(self._buffer) < end:
                    break
                body = bytes(memoryview(self._buffer)[start + HEAD.size : end])
                start = end
                yield kind, body
        finally:
            del self._buffer[:start]
