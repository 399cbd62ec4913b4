"""The lifecycle of a server's process, with its signals and its end."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from .. import atfork
from ..diagnostics import join, name_jobs, name_task
from ..safelogger import get_logger
from ..server import Server
from ..shutdown import OVERTIME
from . import reexec, signals
from .exitdeadline import ExitDeadline, exit_now
from .runner import CANCEL_TIMEOUT, end_tasks, run

GOING_AWAY = 1001
SERVICE_RESTART = 1012
STOPPING = frozenset(
    getattr(signal, name) for name in (*signals.STOP, "SIGHUP") if hasattr(signal, name)
)
#: Signals that a stopping server ignores.
REPEATED = (signal.SIGTERM, signals.HUP)

logger = get_logger("c10kws_tornado")

#: Seconds after ``drain_timeout`` at which the process is ended in any case: the time of the
#: server's shutdown and of its tasks, and one second more.
GRACE = OVERTIME + 3 * CANCEL_TIMEOUT + 1.0


class Lifecycle:
    """One server in the current process, until a signal ends it."""

    def __init__(self, server: Server, sockets: Sequence[socket.socket]) -> None:
        self._server = server
        self._sockets = sockets
        self._in_main_thread = threading.current_thread() is threading.main_thread()
        self._exit_deadline = ExitDeadline(self._describe_rest, self._leave)
        #: True when the program is to be executed again, with duplicates of its sockets, since a
        #: stopping server closes its own.
        self._restart = False
        self._kept: list[socket.socket] = []
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
            self._kept = [sock.dup() for sock in self._sockets]
            atfork.register(self._close_kept)
        try:
            self._left |= run(self._serve(on_ready), loop_factory, own_signals=True)
            if self._left and self._in_main_thread:
                self._exit_deadline.end()
            if self._restart:
                self._leave()
        finally:
            self._exit_deadline.disarm()
            atfork.unregister(self._close_kept)
            self._close_kept()

    async def _serve(self, on_ready: Callable[[], object] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._hurry = asyncio.Event(), asyncio.Event()
        with signals.calling(self._on_signal):
            self._server.add_sockets(self._sockets)
            self._server.start()
            if on_ready is not None:
                on_ready()
            await self._stop.wait()
            hurrying = asyncio.create_task(self._hurry.wait())
            code = SERVICE_RESTART if self._restart else GOING_AWAY
            stopping = asyncio.create_task(self._server.stop(code))
            await asyncio.wait([hurrying, stopping], return_when=asyncio.FIRST_COMPLETED)
            self._left |= await end_tasks()

    def _on_signal(self, number: int) -> None:
        """Handle a signal between two bytecodes of the main thread; must not take a lock."""
        if number in STOPPING:
            self._restart = number == signals.HUP and (self._restart or not self._asked)
            if not self._asked:
                self._asked = True
                self._exit_deadline.arm(self._server.drain_timeout + GRACE)
            elif number not in REPEATED:
                self._exit_deadline.arm(GRACE)
        self._loop.call_soon_threadsafe(self._take, number)

    def _take(self, number: int) -> None:
        if number == signals.USR1:
            self._server.reopen_logs()
        elif number in STOPPING:
            if not self._restart:
                self._close_kept()
            if self._stop.is_set() and number not in REPEATED:
                self._hurry.set()
            self._stop.set()

    def _close_kept(self) -> None:
        while self._kept:
            self._kept.pop().close()

    def _leave(self) -> None:
        if self._restart:
            reexec.reexecute(self._kept)
        exit_now()

    def _describe_rest(self) -> str:
        tasks = self._left or asyncio.all_tasks(self._loop)  # all, when the loop is blocked
        names = [f"task {name_task(task)}" for task in tasks]
        return join([*names, *name_jobs(self._server.pool)])
