"""A server's process: from its signals to its end."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from typing import Any

from . import signals
from .lastresort import LastResort
from .naming import join, name_jobs, name_task
from .runner import CANCEL_TIMEOUT, end_tasks, run
from .server import Server
from .shutdown import OVERTIME

logger = logging.getLogger("c10kws_tornado")

#: Seconds beyond ``drain_timeout`` after which the process is ended whatever it does: those of a
#: stopping server, of its tasks, and one more.
GRACE = OVERTIME + 3 * CANCEL_TIMEOUT + 1.0


class Life:
    """One server in the current process, until a signal ends it."""

    def __init__(self, server: Server, sockets: Sequence[socket.socket]) -> None:
        self._server = server
        self._sockets = sockets
        self._in_main_thread = threading.current_thread() is threading.main_thread()
        self._last_resort = LastResort(self._name_what_is_left)
        self._asked = False
        #: Tasks that ignored their cancellation.
        self._left: set[asyncio.Task[Any]] = set()

    def run(
        self,
        on_ready: Callable[[], object] | None,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] | None,
    ) -> None:
        """Serve; returns when the server has stopped.

        The process ends here when something ignores the end: a task its cancellation, or the loop
        itself, which a task blocks.
        """
        if self._in_main_thread:
            self._last_resort.start()
        try:
            self._left |= run(self._serve(on_ready), loop_factory, own_signals=True)
            if self._left and self._in_main_thread:
                self._last_resort.end()
        finally:
            self._last_resort.disarm()

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
            stopping = asyncio.create_task(self._server.stop())
            await asyncio.wait([hurrying, stopping], return_when=asyncio.FIRST_COMPLETED)
            self._left |= await end_tasks()

    def _on_signal(self, number: int) -> None:
        """Called between two bytecodes of the main thread: it must not take a lock."""
        if not self._asked:
            self._asked = True
            self._last_resort.arm(self._server.drain_timeout + GRACE)
        elif number != signal.SIGTERM:
            self._last_resort.arm(GRACE)
        self._loop.call_soon_threadsafe(self._take, number)

    def _take(self, number: int) -> None:
        if self._stop.is_set() and number != signal.SIGTERM:
            self._hurry.set()
        self._stop.set()

    def _name_what_is_left(self) -> str:
        tasks = self._left or asyncio.all_tasks(self._loop)  # all, when the loop is blocked
        names = [f"task {name_task(task)}" for task in tasks]
        return join([*names, *name_jobs(self._server.pool)])
