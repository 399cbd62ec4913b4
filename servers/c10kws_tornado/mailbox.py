"""Calls from worker threads to the loop's thread, with one wake-up for all that wait.

A wake-up is a write and two reads of a pipe, a turn of the loop and two switches of threads; a
response asks for two of them within a few microseconds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any


class Mailbox:
    """Runs what is posted in its order. A deque's own methods are atomic."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._posted: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()

    def post(self, callback: Callable[..., object], *args: Any) -> None:
        """Call on the loop soon, from any thread; RuntimeError when the loop is closed."""
        self._posted.append((callback, args))
        if len(self._posted) == 1:  # else whoever posted the one before has woken the loop
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while self._posted:
            callback, args = self._posted[0]
            try:
                callback(*args)
            except Exception as error:
                self._loop.call_exception_handler(
                    {"message": f"{callback!r} failed", "exception": error}
                )
            finally:
                self._posted.popleft()
