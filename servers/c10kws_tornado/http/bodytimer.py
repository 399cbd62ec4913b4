"""A timer for the body of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..limits import Limits

#: While the server does not read, the timer checks at most so many times in ``read_timeout``.
CHECKS = 10


class BodyTimer:
    """Calls ``expire`` when a client stops sending its body, or sends it too slowly.

    The timer starts with ``read_timeout`` seconds. Each ``min_read_rate`` bytes add one second, up
    to ``read_timeout``. So a client at this rate or above may pause for ``read_timeout`` at any
    time, and a client that sends single bytes expires. With a rate of 0 each byte restarts the
    timer. In total a body may take ``body_timeout``.
    """

    __slots__ = ("_due", "_end", "_expire", "_handle", "_limits", "_loop", "_paused")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, limits: Limits, expire: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._limits = limits
        self._expire = expire
        now = loop.time()
        self._due = now + limits.read_timeout
        self._end = now + limits.body_timeout
        self._paused: float | None = None  # at this time
        self._handle = loop.call_at(min(self._due, self._end), self._check)

    def received(self, size: int) -> None:
        """Count received bytes."""
        latest = self._loop.time() + self._limits.read_timeout
        rate = self._limits.min_read_rate
        self._due = min(self._due + size / rate, latest) if rate else latest

    def pause(self) -> None:
        """Suspend the timer while the server does not read."""
        self._paused = self._loop.time()

    def resume(self) -> None:
        """Resume the timer with the time that was left."""
        if self._paused is not None:
            self._due += self._loop.time() - self._paused
        self._paused = None

    def cancel(self) -> None:
        """Stop the timer: the body is complete, or no longer needed."""
        self._handle.cancel()
        self._expire = _ignore  # the function refers to the body, which refers to this timer

    def _check(self) -> None:
        """Expire, or check again when the body is due; pieces do not reschedule the timer."""
        now = self._loop.time()
        due = self._due
        if self._paused is not None:
            due = now + max(due - self._paused, self._limits.read_timeout / CHECKS)
        due = min(due, self._end)
        if due > now:
            self._handle = self._loop.call_at(due, self._check)
        else:
            self._expire()


def _ignore() -> None:
    """Do nothing: the timer was cancelled."""
