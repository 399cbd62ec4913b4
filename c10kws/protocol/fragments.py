"""A message whose fragments are still coming, and its bounds (RFC 6455 §5.4)."""

from __future__ import annotations

from .messages import Joiner, Message, size_of

#: A message may come in this many fragments. The RFC sets no bound, and empty ones cost memory;
#: the conformance suite sends 4 MiB in fragments of 64 bytes, and an empty one.
MAX_FRAGMENTS = 131_072


class TooBig(Exception):
    """The message is over a bound; the text says which."""


class Fragments:
    """Collector of the frames of one message; a part may be less than a frame.

    A frame is judged by its head, before its payload has come. Of a compressed message the limit
    counts what it inflates to, so its frames may have more: deflate adds at most an eighth to what
    it cannot compress, and a few bytes each time its sender flushes. Twice the limit and 1 KiB is
    more than any message within the limit needs.
    """

    __slots__ = ("_bound", "_frames", "_limit", "_parts", "_size", "_wire")

    def __init__(self, limit: int, *, compressed: bool) -> None:
        self._limit = limit
        self._bound = 2 * limit + 1024 if compressed else limit  # of bytes on the wire
        self._wire = 0
        self._parts = Joiner()
        self._size = 0
        self._frames = 0

    def begin_frame(self, size: int) -> None:
        """Begin a frame with ``size`` bytes of payload. Raises :exc:`TooBig`."""
        self._wire += size
        self._frames += 1
        if self._wire > self._bound:
            raise TooBig(f"message over {self._limit} bytes")
        if self._frames > MAX_FRAGMENTS:
            raise TooBig(f"message of over {MAX_FRAGMENTS} fragments")

    def add(self, part: Message) -> None:
        """Add the next part. Raises :exc:`TooBig`."""
        self._size += size_of(part)
        if self._size > self._limit:
            raise TooBig(f"message over {self._limit} bytes")
        self._parts.add(part)

    def join(self) -> Message:
        """Return the whole message."""
        return self._parts.join()
