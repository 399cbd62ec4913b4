"""A message whose fragments are still coming, and its bounds (RFC 6455 §5.4)."""

from __future__ import annotations

from .message import Joiner, Message, size_of

#: A message may come in this many fragments. The RFC sets no bound, and empty ones cost memory;
#: the conformance suite sends 4 MiB in fragments of 64 bytes, and an empty one.
MAX_FRAGMENTS = 131_072


class TooBig(Exception):
    """The message is over a bound; the text says which."""


class Fragments:
    """Takes the parts of one message; a part may be less than a frame."""

    __slots__ = ("_frames", "_limit", "_parts", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts = Joiner()
        self._size = 0
        self._frames = 0

    def add(self, part: Message, *, ends_frame: bool) -> None:
        """Take the next part. Raises :exc:`TooBig`."""
        self._size += size_of(part)
        self._frames += ends_frame
        if self._size > self._limit:
            raise TooBig(f"message over {self._limit} bytes")
        if self._frames > MAX_FRAGMENTS:
            raise TooBig(f"message of over {MAX_FRAGMENTS} fragments")
        self._parts.add(part)

    def join(self) -> Message:
        """Return the whole message."""
        return self._parts.join()
