"""``Waiter``: a future that one task awaits again and again, without turns of the loop.

An ``asyncio.Future`` is made for one result and tells its task by ``call_soon``: two objects and a
turn of the loop for each wake-up. A task takes anything that behaves as a future, and this one
runs the task's callback at once when no other task is running, so that what a socket brought is
handled, and answered, in the call that brought it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Any


class Waiter:
    """A future in shape (the methods that a task calls) for one task at a time."""

    __slots__ = ("_asyncio_future_blocking", "_callback", "_cancelled", "_context", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._asyncio_future_blocking = False
        self._loop = loop
        self._callback: Callable[[Any], object] | None = None
        self._context: Context | None = None
        self._cancelled = False

    @property
    def busy(self) -> bool:
        """True while a task waits."""
        return self._callback is not None

    def wake(self) -> None:
        """Resume the task that waits, if one does: now, or soon when a task is running."""
        callback, context = self._callback, self._context
        if callback is None or context is None:
            return
        self._callback = self._context = None
        if asyncio.current_task(self._loop) is None:
            context.run(callback, self)
        else:
            self._loop.call_soon(callback, self, context=context)

    # What an awaiting coroutine calls

    def __await__(self) -> Generator[Waiter, None, None]:
        self._asyncio_future_blocking = True
        return self  # type: ignore[return-value]

    def __iter__(self) -> Waiter:
        return self

    def __next__(self) -> Waiter:
        if self._asyncio_future_blocking:  # the task takes the mark off
            return self
        raise StopIteration

    # What its task calls

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the loop whose tasks may wait."""
        return self._loop

    def add_done_callback(
        self, callback: Callable[[Any], object], *, context: Context | None = None
    ) -> None:
        """Remember how to resume the task."""
        self._callback = callback
        self._context = context or Context()

    def cancel(self, msg: object = None) -> bool:
        """Resume the task with CancelledError."""
        callback, self._callback = self._callback, None
        if callback is None:
            return False
        self._cancelled = True
        self._loop.call_soon(callback, self, context=self._context)
        return True

    def result(self) -> None:
        """Raise CancelledError for a cancelled task."""
        cancelled, self._cancelled = self._cancelled, False
        if cancelled:
            raise asyncio.CancelledError

    def exception(self) -> None:
        """Return None: a waiter brings no error."""
