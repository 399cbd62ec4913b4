"""``Backlog``: events that are emitted to a client while its ``open`` runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..connection.outbox import weigh


class BacklogFull(RuntimeError):
    """More than MAX_QUEUE_BYTES were emitted to a client before its ``open`` returned."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"More than {self.limit} bytes (MAX_QUEUE_BYTES) were emitted to a client before its "
            "'open' returned. Emit the rest in another callback."
        )


class Backlog:
    """Frames in call order, from any thread, bounded in bytes as a connection's queue is.

    A frame is the socket's own (``socket.emit``) or a broadcast, which only a member may hear.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._frames: list[tuple[str, bool]] = []
        self._size = 0
        self._released = self._dropped = False

    def put(self, text: str, *, own: bool) -> bool:
        """Hold a frame, or drop it after ``drop``; return False when it is to be sent.

        Raises :exc:`BacklogFull`.
        """
        with self._lock:
            if self._released or self._dropped:
                return self._dropped
            if self._size > self._limit:
                raise BacklogFull(self._limit)
            self._size += weigh(text)
            self._frames.append((text, own))
            return True

    def release(self, write: Callable[[str], object], first: str | None = None) -> None:
        """Write ``first`` and all held frames; later frames are not held."""
        with self._lock:
            self._released = True
            if first is not None and not self._dropped:
                write(first)
            for text, _ in self._frames:
                write(text)
            self._frames.clear()

    def drop(self, write_own: Callable[[str], object] | None = None) -> None:
        """Drop held and later frames; pass the socket's own held frames to ``write_own`` first."""
        with self._lock:
            self._dropped = not self._released
            for text, own in self._frames:
                if own and write_own is not None:
                    write_own(text)
            self._frames.clear()
