"""A queue of unsent bytes, which keeps immutable data by reference.

A broadcast that is queued for thousands of slow clients is in memory once.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any

#: Types that can be written. The kernel counts ``nbytes``; ``len()`` may be smaller.
Data = bytes | bytearray | memoryview


def in_bytes(data: Data) -> Data:
    """Return data whose ``len()`` is its number of bytes."""
    return data.cast("B") if isinstance(data, memoryview) else data


class WriteQueue:
    """Pieces in order; a part of the first may be sent."""

    __slots__ = ("_pieces", "size")

    def __init__(self) -> None:
        self.size = 0
        self._pieces: deque[bytes | memoryview[Any]] = deque()

    def add(self, data: Data, start: int = 0) -> None:
        """Add data from ``start`` on; mutable data is copied."""
        if type(data) is not bytes:
            data, start = bytes(memoryview(data).cast("B")[start:]), 0
        size = len(data) - start
        if size > 0:
            self.size += size
            self._pieces.append(memoryview(data)[start:] if start else data)

    def __len__(self) -> int:
        return len(self._pieces)

    def first(self, count: int) -> list[bytes | memoryview[Any]]:
        """Return up to ``count`` pieces."""
        return list(islice(self._pieces, count))

    def advance(self, sent: int) -> None:
        """Remove the first ``sent`` bytes."""
        self.size -= sent
        while sent:
            piece = self._pieces.popleft()
            if sent < len(piece):
                self._pieces.appendleft(memoryview(piece)[sent:])
                return
            sent -= len(piece)

    def take(self, size: int) -> bytes | memoryview[Any]:
        """Remove and return at most ``size`` bytes, short pieces joined."""
        pieces, length = [], 0
        for piece in self._pieces:
            if length + len(piece) > size:
                break
            pieces.append(piece)
            length += len(piece)
        chunk = b"".join(pieces) if pieces else memoryview(self._pieces[0])[:size]
        self.advance(len(chunk))
        return chunk
