"""Callbacks from worker threads to the loop's thread, with one wake-up for all queued ones.

A wake-up costs a write and two reads of a pipe, a turn of the loop and two thread switches. Each
response needs two within a few microseconds.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Callable
from typing import Any


class Mailbox:
    """Runs callbacks in the order in which they were posted.

    A deque's own methods are atomic. Each thread checks ``_woken`` after posting, and the loop
    checks the queue after resetting ``_woken``. So two threads may both wake the loop, but a
    callback is never left without a wake-up. Callbacks see no context variables, since those of
    the thread that woke the loop do not belong to the others.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._posted: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._woken = False
        self._context = contextvars.Context()

    def post(self, callback: Callable[..., object], *args: Any) -> None:
        """Call on the loop soon; from any thread. Raises RuntimeError when the loop is closed."""
        self._posted.append((callback, args))
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._deliver, context=self._context)

    def _deliver(self) -> None:
        try:
            self._empty()
        except BaseException:  # SystemExit of a callback; the loop may continue
            self._loop.call_soon(self._deliver, context=self._context)
            raise

    def _empty(self) -> None:
        while True:
            while self._posted:
                self._run(*self._posted.popleft())
            self._woken = False
            if not self._posted:
                return
            self._woken = True  # other threads need not wake the loop meanwhile

    def _run(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        try:
            callback(*args)
        except Exception as error:
            self._loop.call_exception_handler(
                {"message": f"{callback!r} raised.", "exception": error}
            )
