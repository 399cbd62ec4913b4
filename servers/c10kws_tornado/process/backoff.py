"""Growing pauses between the starts of workers that end early, and a count of failed starts."""

from __future__ import annotations

import time

#: Seconds after which a worker that ends is replaced at once. Others are replaced after a pause
#: that doubles each time.
STEADY = 5.0
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: Failed starts in a row after which to give up.
MAX_FAILURES = 5


class Backoff:
    """The time of the next start."""

    def __init__(self, first_pause: float = FIRST_PAUSE) -> None:
        self._first_pause = first_pause
        self._pause = 0.0
        self._until = 0.0
        self._failures = 0

    @property
    def over(self) -> bool:
        """True when another worker may start."""
        return time.monotonic() >= self._until

    @property
    def hopeless(self) -> bool:
        """True after too many failed starts in a row."""
        return self._failures >= MAX_FAILURES

    def reset(self) -> None:
        """Begin again: without a pause and without failures."""
        self._pause = self._until = 0.0
        self._failures = 0

    def started(self) -> None:
        """Count a successful start."""
        self._failures = 0

    def ended(self, lived: float, *, started: bool) -> float:
        """Count a worker that has ended after ``lived`` seconds; return the pause that follows.

        Workers that end during a pause have often ended for the same reason, so it does not grow.
        """
        if not started:
            self._failures += 1
        if started and lived > STEADY:
            self._pause = 0.0
        elif self.over:
            self._pause = min(max(self._pause * 2, self._first_pause), LONGEST_PAUSE)
        else:
            return round(self._until - time.monotonic(), 2)
        self._until = time.monotonic() + self._pause
        return self._pause
