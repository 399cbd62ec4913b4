"""Timeout of a response: the time since something was sent."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import Callable


class ResponseTimeout:
    """Timer that calls back once when :meth:`restart` was not called for ``seconds``.

    ``restart`` may be called from any thread; everything else on the loop.
    """

    __slots__ = ("_expired", "_loop", "_started", "_timer", "seconds")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, seconds: float, expired: Callable[[], None]
    ) -> None:
        self.seconds = seconds
        self._loop = loop
        self._expired = expired
        self._timer: asyncio.TimerHandle | None = None
        self.restart()
        self._set_timer(seconds)

    def restart(self) -> None:
        """Begin to count from 0."""
        self._started = time.monotonic()

    def cancel(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, seconds: float) -> None:
        self._timer = self._loop.call_later(seconds, self._check, context=contextvars.Context())

    def _check(self) -> None:
        left = self._started + self.seconds - time.monotonic()
        if left > 0:
            self._set_timer(left)
        else:
            self._expired()
