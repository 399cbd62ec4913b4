"""``Backoff``: growing pauses between attempts to connect."""

from __future__ import annotations

import random


class Backoff:
    """Random pauses from 0 to a limit, which doubles from ``first`` to ``most`` seconds.

    Because the pauses are random, processes do not all connect at the same moment.
    """

    def __init__(self, first: float, most: float) -> None:
        self._first = self._limit = first
        self._most = most

    def next(self) -> float:
        """Return the next pause."""
        pause = random.uniform(0, self._limit)
        self._limit = min(2 * self._limit, self._most)
        return pause

    def reset(self) -> None:
        """Start again with the shortest pauses, since an attempt has succeeded."""
        self._limit = self._first
