"""The stop of a server: requests may finish until the deadline, then they are ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from tornado.httpserver import HTTPServer

from .http.connections import Connections
from .http.resources import Resources
from .safelogger import get_logger

if TYPE_CHECKING:
    from .tornado_app import TornadoApp

logger = get_logger("c10kws_tornado")

StopCallback = Callable[[int, float], Awaitable[None] | None]

#: Seconds that connections have to notice the end after the deadline.
LAST_BREATH = 1.0
#: Seconds that async bodies of unknown length (event streams) and unfinished uploads have to end,
#: or a quarter of the time if that is less.
EARLY = 2.0
#: Seconds that :meth:`Shutdown.run` takes at most after its deadline: for callbacks, tasks that see
#: their connection closed, tasks that are cancelled, connections, jobs.
OVERTIME = 5 * LAST_BREATH


class Shutdown:
    """The end of one server's requests, tasks and jobs, after its listening sockets are closed."""

    def __init__(
        self,
        resources: Resources,
        connections: Connections,
        http: HTTPServer,
        native: TornadoApp | None,
        callbacks: Sequence[StopCallback],
    ) -> None:
        self._resources = resources
        self._connections = connections
        self._http = http
        self._native = native
        self._callbacks = callbacks

    async def run(self, code: int, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for requests to finish, then end the rest."""
        deadline = asyncio.get_running_loop().time() + timeout
        ending = asyncio.ensure_future(self._end_early(min(EARLY, timeout / 4)))
        await self._drain(code, deadline)
        ending.cancel()
        for request in self._resources.requests:
            request.give_up()
        self._connections.abort()
        if self._native is not None:
            self._native.abort()
        await self._finish_tasks()
        await self._finish_jobs()

    async def _end_early(self, grace: float) -> None:
        """End endless responses and unfinished uploads before the deadline."""
        while True:  # a request that waited for a thread may become a stream later
            await asyncio.sleep(grace)
            for request in list(self._resources.requests):
                request.end_early()

    async def _drain(self, code: int, deadline: float) -> None:
        self._resources.stopping = True
        callbacks = list(self._callbacks)
        await asyncio.gather(
            self._connections.drain(deadline),
            *(self._call_back(callback, code, deadline) for callback in callbacks),
        )
        # Those that the last requests have brought.
        await asyncio.gather(
            *(
                self._call_back(callback, code, deadline)
                for callback in self._callbacks[len(callbacks) :]
            )
        )

    async def _call_back(self, callback: StopCallback, code: int, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            waiting = callback(code, deadline)
            if waiting is None:
                return
            task = asyncio.ensure_future(waiting)
            await asyncio.wait([task], timeout=max(deadline - loop.time(), 0) + LAST_BREATH)
            if task.done():
                task.result()
            else:  # it may ignore its cancellation, so do not wait for it
                task.cancel()
                await asyncio.sleep(0)
                logger.warning("a callback of on_stop took too long: %r", callback)
        except Exception:
            logger.exception("a callback of on_stop failed: %r", callback)

    async def _finish_tasks(self) -> None:
        tasks = set(self._resources.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_BREATH)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_BREATH)
        closing = asyncio.ensure_future(self._http.close_all_connections())
        await asyncio.wait([closing], timeout=LAST_BREATH)
        closing.cancel()  # one may wait for a thread that hangs

    async def _finish_jobs(self) -> None:
        """Wait for log lines and clean-up that the last connections leave behind."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LAST_BREATH
        log, pool = self._resources.log, self._resources.pool
        while (pool.at_work or log.at_work) and loop.time() < deadline:
            await asyncio.sleep(0.01)
        log.close()
