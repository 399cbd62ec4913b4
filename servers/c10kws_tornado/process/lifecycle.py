"""The lifecycle of a server's process, with its signals and its end."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

from ..diagnostics import join, name_jobs, name_task
from ..safelogger import get_logger
from ..server import Server
from ..shutdown import OVERTIME
from ..stop import GOING_AWAY, SERVICE_RESTART
from . import signals
from .exitdeadline import EXIT_TIMEOUT, ExitDeadline
from .runner import CANCEL_TIMEOUT, end_tasks, run

STOPPING = frozenset(
    getattr(signal, name) for name in (*signals.STOP, "SIGHUP") if hasattr(signal, name)
)
#: Signals that a stopping server ignores.
REPEATED = (signal.SIGTERM, signals.HUP)

logger = get_logger("c10kws_tornado")

#: Seconds after ``drain_timeout`` at which the process is ended in any case: the time of the
#: server's shutdown and of its tasks, and one second more.
GRACE = OVERTIME + 3 * CANCEL_TIMEOUT + 1.0


def stop_timeout(drain_timeout: float) -> float:
    """Return the seconds in which a worker ends by itself; 3 of them are to spare."""
    return drain_timeout + GRACE + EXIT_TIMEOUT + 3.0


class Lifecycle:
    """One server in the current process, until a signal or :meth:`stop` ends it.

    With ``own_signals=False`` the caller handles signals. ``grace`` is the time in seconds after
    ``drain_timeout`` at which the process is ended in any case.
    """

    def __init__(
        self,
        server: Server,
        sockets: Sequence[socket.socket],
        *,
        own_signals: bool = True,
        grace: float = GRACE,
    ) -> None:
        self._server = server
        self._sockets = sockets
        self._own_signals = own_signals
        self._grace = grace
        self._code = GOING_AWAY
        self._timeout: float | None = None
        self._successor_waits = False
        self._in_main_thread = threading.current_thread() is threading.main_thread()
        self._exit_deadline = ExitDeadline(self._describe_rest)
        self._asked = False
        #: Tasks that ignored their cancellation.
        self._left: set[asyncio.Task[Any]] = set()

    def run(
        self,
        on_ready: Callable[[], object] | None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
    ) -> None:
        """Serve, and return when the server has stopped.

        The process exits here if a task ignores its cancellation or blocks the loop.
        """
        if self._in_main_thread:
            self._exit_deadline.start()
        try:
            self._left |= run(self._serve(on_ready), loop_factory, own_signals=True)
            if self._left and self._in_main_thread:
                self._exit_deadline.end()
        finally:
            self._exit_deadline.disarm()

    async def _serve(self, on_ready: Callable[[], object] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        with signals.calling(self._on_signal) if self._own_signals else nullcontext():
            self._server.add_sockets(self._sockets)
            self._server.start()
            if on_ready is not None:
                on_ready()
            await self._stop.wait()
            hurrying = asyncio.create_task(self._hurry.wait())
            stopping = asyncio.create_task(
                self._server.stop(self._code, self._timeout, successor_waits=self._successor_waits)
            )
            await asyncio.wait([hurrying, stopping], return_when=asyncio.FIRST_COMPLETED)
            self._left |= await end_tasks()

    def stop(
        self,
        code: int = GOING_AWAY,
        timeout: float | None = None,
        *,
        successor_waits: bool = False,
    ) -> None:
        """Begin to stop, as :meth:`.Server.stop` does; only the first call counts.

        It may be called from any thread and by signal handlers, once ``on_ready`` was called.
        """
        if not self._asked:
            self._asked = True
            self._code, self._timeout = code, timeout
            self._successor_waits = successor_waits
            seconds = self._server.drain_timeout if timeout is None else timeout
            self._exit_deadline.arm(seconds + self._grace)
        self._loop.call_soon_threadsafe(self._stop.set)

    def hurry(self) -> None:
        """Abort the stop that has begun: cancel all tasks; may be called as :meth:`stop`."""
        self._exit_deadline.arm(self._grace)
        self._loop.call_soon_threadsafe(self._hurry.set)

    def _on_signal(self, number: int) -> None:
        """Handle a signal between two bytecodes of the main thread; must not take a lock."""
        if number == signals.USR1:
            self._loop.call_soon_threadsafe(self._server.reopen_logs)
        if number not in STOPPING:
            return
        again = self._asked
        # After TERM, the signal of deploys, a successor is likely; after Ctrl-C it is not.
        code = SERVICE_RESTART if number in REPEATED else GOING_AWAY
        # HUP reaches processes without a parent, whose supervisor starts the successor afterwards.
        self.stop(code, successor_waits=number == signals.HUP)
        if again and number not in REPEATED:
            self.hurry()

    def _describe_rest(self) -> str:
        tasks = self._left or asyncio.all_tasks(self._loop)  # all, when the loop is blocked
        names = [f"task {name_task(task)}" for task in tasks]
        return join([*names, *name_jobs(self._server.pool)])
