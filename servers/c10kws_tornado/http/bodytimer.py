"""Timeout for the body of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ..limits import Limits

#: While the server does not read, checks are at least this part of ``read_timeout`` apart.
LOOKS = 10


class BodyTimer:
    """Timer that calls ``expire`` when a client stops sending its body, or sends it too slowly.

    It allows ``read_timeout`` seconds. Each ``min_read_rate`` bytes give one second back, so that
    a client at this rate or above may be silent for ``read_timeout`` at any time, and one that
    only sends a byte now and then expires. With a rate of 0 each byte restarts the time. In total
    a body may take ``body_timeout``.
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
        self._paused: float | None = None  # the time of it
        self._handle = loop.call_at(min(self._due, self._end), self._look)

    def received(self, size: int) -> None:
        """Count bytes that have come."""
        latest = self._loop.time() + self._limits.read_timeout
        rate = self._limits.min_read_rate
        self._due = min(self._due + size / rate, latest) if rate else latest

    def pause(self) -> None:
        """Suspend the timer while the server does not read."""
        self._paused = self._loop.time()

    def resume(self) -> None:
        """Continue with the time that was left."""
        if self._paused is not None:
            self._due += self._loop.time() - self._paused
        self._paused = None

    def cancel(self) -> None:
        """Stop the timer: the body is complete, or no longer needed."""
        self._handle.cancel()

    def _look(self) -> None:
        """Expire, or check again when the body is due; no timer is moved for each piece."""
        now = self._loop.time()
        due = self._due
        if self._paused is not None:
            due = now + max(due - self._paused, self._limits.read_timeout / LOOKS)
        due = min(due, self._end)
        if due > now:
            self._handle = self._loop.call_at(due, self._look)
        else:
            self._expire()
