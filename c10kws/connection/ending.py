"""``Ending``: the timers around a Close, and the watch over the handler after the end.

Facts:

* A Close waits behind a message in fragments for HANDLER_TIMEOUT; then the message is cancelled.
* The peer has CLOSE_TIMEOUT to answer a Close; then TCP is aborted.
* The :mod:`watchdog <c10kws.connection.watchdog>` ends a handler that goes on after the end.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from ..conf import Settings
from ..exceptions import ConnectionClosed
from ..protocol.server import ServerProtocol
from .sending import Sender
from .watchdog import HandlerTasks, Watchdog, current, name_of

logger = logging.getLogger("c10kws")


class Ending(Sender):
    """The end of a connection, and of its handler with it."""

    __slots__ = ("_task", "_timer", "_watchdog", "handlers")

    def __init__(self, settings: Settings, protocol: ServerProtocol) -> None:
        super().__init__(settings, protocol)
        self.handlers: HandlerTasks | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None  # for a Close that waits, or its answer
        self._watchdog: Watchdog | None = None

    def limit_stream(self, code: int, reason: str) -> None:
        """Start the timer that cancels a message in fragments which delays a Close."""
        if self._timer is None and not self.closed:
            self._timer = self._shared.loop.call_later(
                self._settings.handler_timeout, self._end_late_stream, code, reason
            )

    def _end_late_stream(self, code: int, reason: str) -> None:
        self._timer = None
        if self.closed or self._streaming is None:
            return
        logger.warning(
            "%s: a message in fragments did not end within %g s; cancelling it and closing.",
            "-" if self._task is None else name_of(self._task),
            self._settings.handler_timeout,
        )
        self.cut_stream(code, reason)

    def cut_stream(self, code: int, reason: str) -> None:
        """Cancel a message in fragments and send the Close that waits behind it.

        §5.4 lets control frames go between fragments.
        """
        if self._streaming is not None and not self.closed:
            if code == 1000:  # the peer has half a message: that is no normal end
                code, reason = 1011, "internal error"
            self.send_close(code, reason)

    def end(self, code: int, reason: str) -> None:
        """Remember how the connection ended, and watch the handler."""
        if self.closed:
            return
        self._stop_timer()
        super().end(code, reason)
        if asyncio.current_task(self._shared.loop) is self._task:
            self._watch().notice()
        else:
            self._watch().start()

    def connection_closed(self) -> ConnectionClosed:
        """Return the error for a task that uses the ended connection.

        With it the handler knows of the end, if the task is its own. A stream's task, and tasks of
        other handlers that write to this connection, do not count.
        """
        task = asyncio.current_task(self._shared.loop)
        if self.closed and task is not self._streaming and self._is_own(task):
            self._watch().notice()
        return super().connection_closed()

    def _is_own(self, task: asyncio.Task[Any] | None) -> bool:
        """Return True for the handler's task, and for one that it has started."""
        return task is not None and (task is self._task or current.get() is self)

    def _watch(self) -> Watchdog:
        """Return the watch over the handler, since the connection has ended."""
        if self._watchdog is None:
            timeout = self._settings.handler_timeout
            self._watchdog = Watchdog(self._task, timeout, self.handlers)
        return self._watchdog

    async def pace(self) -> None:
        """Yield to other tasks when the handler knows of the end, since it may retry in a loop."""
        if self._watchdog is not None and self._watchdog.noticed:
            await self._watchdog.pace()

    def _start_timer(self) -> None:
        if self._timer is None and not self._ended:
            self._timer = self._shared.loop.call_later(self._settings.close_timeout, self.abort)

    def abort(self) -> None:
        """Abort TCP, on the loop's thread; unsent data is lost."""
        if self._transport is not None:
            self._transport.abort()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
