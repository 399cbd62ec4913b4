"""``HeldFrames``: frames for a client, held while its ``open`` runs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ...connection.items import weigh


class TooManyHeldFrames(RuntimeError):
    """More than MAX_QUEUE_BYTES were emitted to a client before its ``open`` returned."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"More than {self.limit} bytes (MAX_QUEUE_BYTES) were emitted to a client before its "
            "'open' returned. Emit the rest in another callback."
        )


class HeldFrames:
    """Frames in call order, from any thread. Like a connection's queue, they are bounded in bytes.

    A frame was emitted to this client alone (``alone=True``) or broadcast. A client that is not
    accepted gets no broadcasts.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._frames: list[tuple[str, bool]] = []
        self._size = 0
        self._released = self._dropped = False

    def put(self, text: str, *, alone: bool) -> bool:
        """Hold a frame, or drop it after ``drop``. Return False after ``release``: send it.

        Raises :exc:`TooManyHeldFrames`.
        """
        with self._lock:
            if self._released or self._dropped:
                return self._dropped
            if self._size > self._limit:
                raise TooManyHeldFrames(self._limit)
            self._size += weigh(text)
            self._frames.append((text, alone))
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

    def drop(self, write_alone: Callable[[str], object] | None = None) -> None:
        """Drop held and later frames. First pass those for this client alone to ``write_alone``."""
        with self._lock:
            self._dropped = not self._released
            for text, alone in self._frames:
                if alone and write_alone is not None:
                    write_alone(text)
            self._frames.clear()
