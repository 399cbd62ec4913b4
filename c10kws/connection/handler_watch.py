"""``HandlerWatch``: the handler of one connection, and how it ends with it."""

from __future__ import annotations

import asyncio
from typing import Any

from .watchdog import HandlerTasks, Watchdog, current


class HandlerWatch:
    """The ``task`` of a handler; ``handlers`` forget it when it is given up.

    A :class:`~c10kws.connection.watchdog.Watchdog` watches it after the end of the connection.
    """

    __slots__ = ("_watchdog", "handlers", "task")

    def __init__(self) -> None:
        self._watchdog: Watchdog | None = None
        self.handlers: HandlerTasks | None = None
        self.task: asyncio.Task[None] | None = None

    @property
    def over(self) -> bool:
        """True when there is no handler, or it has ended."""
        return self.task is None or self.task.done()

    def is_own(self, task: asyncio.Task[Any] | None, user: object) -> bool:
        """Return True for the handler's task, and for one that it has started.

        ``user`` is the connection, which is in the context of both.
        """
        return task is not None and (task is self.task or current.get() is user)

    def set_task(self, task: asyncio.Task[None]) -> None:
        """Watch this task, and no longer another one."""
        if self.task is not task:
            self.task = task
            if self._watchdog is not None:  # it watches another task, or none
                self._watchdog.stop()
                self._watchdog = None

    def begin(self, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        """Watch the handler, unless it knows of the end: its own task ends the connection, say."""
        if self.task is None or (self._watchdog is not None and self._watchdog.noticed):
            return
        if asyncio.current_task(loop) is self.task:
            self.notice(timeout)
        else:
            self.restart(timeout)

    def restart(self, timeout: float) -> None:
        """Give the handler ``timeout`` seconds from now on."""
        self._watch(timeout).start()

    def notice(self, timeout: float) -> None:
        """Remember that the handler knows of the end."""
        self._watch(timeout).notice()

    def end(self) -> None:
        """Forget the task, which has ended: its context refers to the connection."""
        if self._watchdog is not None:
            self._watchdog.stop()
        self._watchdog = self.task = None

    def _watch(self, timeout: float) -> Watchdog:
        if self._watchdog is None:
            self._watchdog = Watchdog(self.task, timeout, self.handlers)
        return self._watchdog

    async def pace(self) -> None:
        """Yield to other tasks when the handler knows of the end, since it may retry in a loop."""
        if self._watchdog is not None and self._watchdog.noticed:
            await self._watchdog.pace()
