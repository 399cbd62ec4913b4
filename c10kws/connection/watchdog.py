"""The watch over a handler whose connection has ended."""

from __future__ import annotations

import asyncio
import logging
from contextvars import ContextVar
from typing import Any, Protocol

logger = logging.getLogger("c10kws")

#: Uses of an ended connection that raise ConnectionClosed before the handler is cancelled. One that
#: ends on the first is usual; a loop around ``except Exception`` makes millions.
MAX_LATE_USES = 100
#: Seconds that each later use takes, since the handler also swallows its cancellation.
PAUSE = 1.0
#: The connection (or waiting response) whose handler the current task or thread belongs to.
current: ContextVar[Any] = ContextVar("c10kws_user", default=None)


class HandlerTasks(Protocol):
    """The tasks that a stop of the server waits for."""

    def forget(self, task: asyncio.Task[None]) -> None:
        """Stop waiting for a task."""


class Watchdog:
    """Timer that cancels a handler which goes on after the end; made when its connection ends.

    A handler that does not notice the end for ``timeout`` seconds is cancelled, and so is one that
    uses the connection again and again. When it still runs ``timeout`` seconds after that, it is
    logged and ``handlers`` forget it, so that no stop of the server waits for it.
    """

    __slots__ = (
        "_cancelled",
        "_handlers",
        "_loop",
        "_task",
        "_timeout",
        "_timer",
        "_uses",
        "noticed",
    )

    def __init__(
        self, task: asyncio.Task[None] | None, timeout: float, handlers: HandlerTasks | None
    ) -> None:
        self.noticed = False
        self._task = task
        self._timeout = timeout
        self._handlers = handlers
        # The loop of a test client does not run while a view of the test closes a connection.
        self._loop = asyncio.get_running_loop() if task is None else task.get_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._cancelled = False
        self._uses = 0

    def notice(self) -> None:
        """Stop the timer: the handler knows of the end, and its clean-up has no time limit."""
        self.noticed = True
        if not self._cancelled:
            self.stop()

    def stop(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def start(self) -> None:
        """Give the handler ``timeout`` seconds from now on."""
        if not self._cancelled and self._task is not None and not self._task.done():
            self.stop()
            self._timer = self._loop.call_later(self._timeout, self._cancel)

    def _cancel(self) -> None:
        self.stop()
        self._cancelled = True
        if self._task is not None and not self._task.done():
            self._task.cancel()
            self._timer = self._loop.call_later(self._timeout, self._end)

    def _end(self) -> None:
        self._timer = None
        if self._task is None or self._task.done():
            return
        logger.error(
            "%s: the handler still runs %g s after it was cancelled; giving it up. "
            "It catches CancelledError, as a bare `except:` does, or waits for a thread.",
            name_of(self._task),
            self._timeout,
        )
        if self._handlers is not None:
            self._handlers.forget(self._task)

    async def pace(self) -> None:
        """Yield to other tasks before another use of the connection fails."""
        self._uses += 1
        if self._uses == MAX_LATE_USES:
            user = asyncio.current_task()
            task = self._task or user
            assert task is not None and user is not None  # we are in a coroutine
            logger.warning(
                "%s: the handler used its connection %d times after the end; cancelling it. "
                "Let ConnectionClosed end its loop.",
                name_of(task),
                self._uses,
            )
            self._cancel()
            if user is not task:
                user.cancel()
        await asyncio.sleep(PAUSE if self._uses > MAX_LATE_USES else 0)


def name_of(task: asyncio.Task[None]) -> str:
    """Return the path of a handler, without its query string."""
    return task.get_name().partition("?")[0]
