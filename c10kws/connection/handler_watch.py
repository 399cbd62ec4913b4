"""``HandlerWatch``: the handler of one connection, and how it ends with it."""

from __future__ import annotations

import asyncio
from typing import Any

from .sender import Sender
from .watchdog import HandlerTasks, Watchdog, current


class HandlerWatch:
    """The ``task`` of a handler; ``handlers`` forget it when it is given up.

    After the end of the connection a :class:`~c10kws.connection.watchdog.Watchdog` watches it, with
    HANDLER_TIMEOUT. The ``sender`` knows of the end.
    """

    __slots__ = ("_sender", "_watchdog", "handlers", "task")

    def __init__(self, sender: Sender) -> None:
        self._sender = sender
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
        """Watch this task, and no longer another one. A later call restarts HANDLER_TIMEOUT."""
        if self.task is not task:
            self.task = task
            if self._watchdog is not None:  # it watches another task, or none
                self._watchdog.stop()
                self._watchdog = None
        if self._sender.closed:
            self.restart()

    def begin(self) -> None:
        """Watch the handler, unless it knows of the end because its own task closes."""
        if self.task is None or (self._watchdog is not None and self._watchdog.noticed):
            return
        if asyncio.current_task(self._sender.loop_state.loop) is self.task:
            self._watch().notice()
        else:
            self.restart()

    def restart(self) -> None:
        """Give the handler HANDLER_TIMEOUT from now on."""
        self._watch().start()

    def notice_end(self, user: object) -> None:
        """Remember that the handler knows of the end, if the current task is its own.

        A stream's task, and tasks of other handlers that write to this connection, do not count.
        """
        sender = self._sender
        task, stream = asyncio.current_task(sender.loop_state.loop), sender.stream
        in_stream = stream is not None and stream.task is task
        if sender.closed and not in_stream and self.is_own(task, user):
            self._watch().notice()

    def end(self) -> None:
        """Forget the task, which has ended: its context refers to the connection."""
        if self._watchdog is not None:
            self._watchdog.stop()
        self._watchdog = self.task = None

    def _watch(self) -> Watchdog:
        if self._watchdog is None:
            timeout = self._sender.settings.handler_timeout
            self._watchdog = Watchdog(self.task, timeout, self.handlers)
        return self._watchdog

    async def pace(self) -> None:
        """Yield to other tasks when the handler knows of the end, since it may retry in a loop."""
        if self._watchdog is not None and self._watchdog.noticed:
            await self._watchdog.pace()
