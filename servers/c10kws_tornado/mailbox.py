"""Calls from worker threads to the loop's thread, with one wake-up for all that wait.

A wake-up is a write and two reads of a pipe, a turn of the loop and two switches of threads; a
response asks for two of them within a few microseconds.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from typing import Any


class Mailbox:
    """Runs what is posted in its order. A deque's own methods are atomic.

    Each thread looks at ``_woken`` after it has posted, and the loop looks at what is posted after
    it has taken ``_woken`` back: so two threads may both wake it, and never neither. What runs sees
    no context variables: those of the thread that woke the loop are not those of the others.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._posted: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self._context = contextvars.Context()

    def post(self, callback: Callable[..., object], *args: Any) -> None:
        """Call on the loop soon, from any thread; RuntimeError when the loop is closed."""
        self._posted.append((callback, args))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._deliver, context=self._context)

    def _deliver(self) -> None:
        while True:
            while self._posted:
                self._run(*self._posted.popleft())
            self._woken = False
            if not self._posted:
                return
            self._woken = True  # who posts meanwhile need not wake the loop

    def _run(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except Exception as error:
            self._loop.call_exception_handler(
                {"message": f"{callback!r} failed", "exception": error}
            )
