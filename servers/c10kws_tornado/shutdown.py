"""Graceful shutdown of a server: requests may finish until a deadline, then they are aborted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from .http.resources import Resources
from .safelogger import get_logger
from .stop import Stop
from .tornado_app import TornadoApp

logger = get_logger("c10kws_tornado")
drain_logger = get_logger("c10kws_tornado.drain")

StopCallback = Callable[[Stop], Awaitable[None] | None]

#: Seconds that callbacks, tasks and connections have to end after the deadline.
SETTLE_TIMEOUT = 1.0
#: Seconds after which async bodies of unknown length (event streams) and unfinished uploads are
#: ended; at most a quarter of the time until the deadline.
ENDLESS_TIMEOUT = 2.0
#: Seconds that a connection has for its first request; at most a quarter of that time, too.
FIRST_REQUEST_TIMEOUT = 2.0
#: Seconds that :meth:`Shutdown.run` takes at most after its deadline, in five steps: callbacks,
#: tasks whose connection was closed, cancelled tasks, connections, jobs.
OVERTIME = 5 * SETTLE_TIMEOUT
#: Seconds between two checks for the end of streams.
POLL_INTERVAL = 0.02


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
        #: Connections that are open at the deadline, or when the drain ends earlier.
        self._left: int | None = None

    async def run(self, stop: Stop) -> None:
        """Wait until the deadline for requests to finish, then end the rest."""
        loop = asyncio.get_running_loop()
        began, total = loop.time(), len(self._resources.connections) + self._open_streams
        # Set before the callbacks set their own timers, so it is called before they abort anything.
        counting = loop.call_at(stop.deadline, self._count_left)
        ending = asyncio.ensure_future(self._end_early(stop))
        await self._drain(stop)
        ending.cancel()
        counting.cancel()
        self._count_left()
        await self._abort()
        self._report(total, loop.time() - began)
        await self._finish_jobs()

    @property
    def _open_streams(self) -> int:
        native = 0 if self._tornado_app is None else self._tornado_app.open_streams
        return len(self._resources.raw_streams.open) + native

    def _count_left(self) -> None:
        if self._left is None:
            self._left = self._resources.connections.busy + self._open_streams

    def _report(self, total: int, seconds: float) -> None:
        """Log how many of the connections ended before the deadline."""
        left = self._left or 0
        drained = max(total - left, 0)
        text, arguments = "Drained %d of %d connections in %.1f s.", (drained, total, seconds)
        if left:
            drain_logger.warning(f"{text[:-1]}; aborted %d.", *arguments, left)
        else:
            drain_logger.info(text, *arguments)

    async def _abort(self) -> None:
        """Abort everything that is left."""
        for request in self._resources.requests:
            request.give_up()
        self._resources.connections.abort()
        self._resources.raw_streams.abort()
        if self._tornado_app is not None:
            self._tornado_app.abort()
        await self._finish_tasks()

    async def _end_early(self, stop: Stop) -> None:
        """End unfinished uploads and, at the pace of the stop, endless responses."""
        grace = min(ENDLESS_TIMEOUT, stop.seconds_left / 4)
        while True:  # a request that waits for a thread may become a stream later
            await asyncio.sleep(grace)
            if self._tornado_app is not None:
                self._tornado_app.end_unfinished_bodies()
            requests = list(self._resources.requests)
            for request in requests:
                request.end_unfinished_body()
            endless = [request for request in requests if request.endless]
            async for request, _ in stop.spread(endless):
                request.end_response()

    async def _drain(self, stop: Stop) -> None:
        self._resources.stopping = True
        callbacks, streams = list(self._callbacks), self._resources.raw_streams.open
        patience = min(FIRST_REQUEST_TIMEOUT, stop.seconds_left / 4)
        await asyncio.gather(
            self._resources.connections.drain(stop.deadline, patience),
            *(self._call_back(callback, stop) for callback in callbacks),
        )
        # The last requests may have added callbacks.
        await asyncio.gather(
            *(self._call_back(callback, stop) for callback in self._callbacks[len(callbacks) :])
        )
        await self._wait_for_new_streams(stop, streams)

    async def _wait_for_new_streams(self, stop: Stop, old: frozenset[asyncio.Transport]) -> None:
        """Wait a moment for streams that began during the stop: their applications close them."""
        loop = asyncio.get_running_loop()
        deadline = min(loop.time() + SETTLE_TIMEOUT, stop.deadline)
        while self._resources.raw_streams.open - old and loop.time() < deadline:
            await asyncio.sleep(POLL_INTERVAL)

    async def _call_back(self, callback: StopCallback, stop: Stop) -> None:
        try:
            waiting = callback(stop)
            if waiting is None:
                return
            task = asyncio.ensure_future(waiting)
            await asyncio.wait([task], timeout=max(stop.seconds_left, 0) + SETTLE_TIMEOUT)
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
