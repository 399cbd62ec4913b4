"""Graceful shutdown of a server: requests may finish until a deadline, then they are aborted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from .http.resources import Resources
from .safelogger import get_logger
from .tornado_app import TornadoApp

logger = get_logger("c10kws_tornado")

StopCallback = Callable[[int, float], Awaitable[None] | None]

#: Seconds that callbacks, tasks and connections have to end after the deadline.
SETTLE_TIMEOUT = 1.0
#: Seconds after which async bodies of unknown length (event streams) and unfinished uploads are
#: ended; at most a quarter of the time until the deadline.
ENDLESS_TIMEOUT = 2.0
#: Seconds that :meth:`Shutdown.run` takes at most after its deadline, in five steps: callbacks,
#: tasks whose connection was closed, cancelled tasks, connections, jobs.
OVERTIME = 5 * SETTLE_TIMEOUT


class Shutdown:
    """The end of one server's requests, tasks and jobs, after its listening sockets closed."""

    def __init__(
        self,
        resources: Resources,
        tornado_app: TornadoApp | None,
        callbacks: Sequence[StopCallback],
    ) -> None:
        self._resources = resources
        self._tornado_app = tornado_app
        self._callbacks = callbacks

    async def run(self, code: int, timeout: float) -> None:
        """Wait up to ``timeout`` seconds for requests to finish, then end the rest."""
        deadline = asyncio.get_running_loop().time() + timeout
        ending = asyncio.ensure_future(self._end_early(min(ENDLESS_TIMEOUT, timeout / 4)))
        await self._drain(code, deadline)
        ending.cancel()
        for request in self._resources.requests:
            request.give_up()
        self._resources.connections.abort()
        self._resources.raw_streams.abort()
        if self._tornado_app is not None:
            self._tornado_app.abort()
        await self._finish_tasks()
        await self._finish_jobs()

    async def _end_early(self, grace: float) -> None:
        """End endless responses and unfinished uploads before the deadline."""
        while True:  # a request that waits for a thread may become a stream later
            await asyncio.sleep(grace)
            for request in list(self._resources.requests):
                request.end_early()

    async def _drain(self, code: int, deadline: float) -> None:
        self._resources.stopping = True
        callbacks = list(self._callbacks)
        await asyncio.gather(
            self._resources.connections.drain(deadline),
            *(self._call_back(callback, code, deadline) for callback in callbacks),
        )
        # The last requests may have added callbacks.
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
            await asyncio.wait([task], timeout=max(deadline - loop.time(), 0) + SETTLE_TIMEOUT)
            if task.done():
                task.result()
            else:  # it may ignore the cancellation, so do not wait for it
                task.cancel()
                await asyncio.sleep(0)
                logger.warning("An on_stop callback took too long; cancelled it: %r", callback)
        except Exception:
            logger.exception("An on_stop callback raised: %r", callback)

    async def _finish_tasks(self) -> None:
        tasks = set(self._resources.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=SETTLE_TIMEOUT)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=SETTLE_TIMEOUT)
        await self._resources.connections.wait_closed(SETTLE_TIMEOUT)

    async def _finish_jobs(self) -> None:
        """Wait for the log lines and clean-up jobs of the last connections."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLE_TIMEOUT
        log, pool = self._resources.log, self._resources.pool
        while (pool.at_work or log.at_work) and loop.time() < deadline:
            await asyncio.sleep(0.01)
        log.close()
