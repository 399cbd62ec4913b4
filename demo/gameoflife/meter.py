"""``Meter``: a rate per second."""

from __future__ import annotations

import time
from collections.abc import Callable


class Meter:
    """Counts per whole second, so that it needs only two numbers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = 0
        self._now = self._last = 0

    def add(self, count: int) -> None:
        """Add to the count of the current second."""
        self._turn()
        self._now += count

    @property
    def rate(self) -> int:
        """The count of the last full second."""
        self._turn()
        return self._last

    def _turn(self) -> None:
        second = int(self._clock())
        if second != self._second:
            self._last = self._now if second == self._second + 1 else 0
            self._second, self._now = second, 0
