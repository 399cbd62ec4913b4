"""Timeout for the body of a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .limits import Limits


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
        self._paused = False
        self._handle = loop.call_at(min(self._due, self._end), self._look)

    def received(self, size: int) -> None:
        """Count bytes that have come."""
        latest = self._loop.time() + self._limits.read_timeout
        rate = self._limits.min_read_rate
        self._due = min(self._due + size / rate, latest) if rate else latest

    def pause(self) -> None:
        """Suspend the timer while the server does not read."""
        self._paused = True

    def resume(self) -> None:
        """Restart the whole time."""
        self._paused = False
        self._due = self._loop.time() + self._limits.read_timeout

    def cancel(self) -> None:
        """Stop the timer: the body is complete, or no longer needed."""
        self._handle.cancel()

    def _look(self) -> None:
        """Expire, or check again when the body is due; no timer is moved for each piece."""
        now = self._loop.time()
        due = min(now + self._limits.read_timeout if self._paused else self._due, self._end)
        if due > now:
            self._handle = self._loop.call_at(due, self._look)
        else:
            self._expire()
