"""State that the library keeps for one server: its clients, their tasks and its handler threads."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Collection, Iterator
from typing import Protocol

from ..connection.watchdog import name_of
from ..hijack import Contract, Stop
from .connection_counts import ConnectionCounts
from .loop_queue import LoopQueue
from .threads import HandlerThreads

logger = logging.getLogger("c10kws")

#: Seconds that a cancelled handler has for its ``finally`` after the server's deadline.
CANCEL_TIMEOUT = 0.9
#: Clients that another thread reads before others get their turn.
CHUNK = 200

#: One for all: a copy of the current one for each task would cost memory.
_NO_CONTEXT = contextvars.Context()


class Stoppable(Protocol):
    """A WebSocket, or a response that a client waits for."""

    def stop(self, code: int, retry_after: float) -> None:
        """End it in good order since the server stops; ``code`` is a WebSocket close code.

        The client may reconnect after ``retry_after`` seconds.
        """

    def abort(self) -> None:
        """End it at once: the deadline of the stop is over."""


class ServerState:
    """The clients of one server. Made by :class:`~.servers.Servers`; used on the loop's thread.

    A client is counted from :meth:`add` to :meth:`discard`, and while its handler's task runs.
    """

    def __init__(self, contract: Contract) -> None:
        self.loop = contract.loop
        self.workers = contract.workers
        self.measure = contract.measure
        self.threads = HandlerThreads(contract.executor)
        #: Calls on the loop from all threads, in one order.
        self.calls = LoopQueue(contract.loop)
        self.counts = ConnectionCounts()
        #: The stop of the server, once it has begun.
        self._stop: Stop | None = None
        self._clients: set[Stoppable] = set()
        self._tasks: dict[asyncio.Task[None], Stoppable] = {}
        self._no_tasks: asyncio.Future[None] | None = None
        self._forget = self.forget  # one for all tasks saves memory

    @property
    def stopping(self) -> bool:
        """True when the server stops."""
        return self._stop is not None

    @property
    def clients(self) -> Collection[Stoppable]:
        """All clients, each once."""
        return self._clients.union(self._tasks.values())

    def each_client(self) -> Iterator[Stoppable]:
        """Yield all clients, in any thread; other threads run in between."""
        for number, client in enumerate(self.clients):
            if number % CHUNK == CHUNK - 1:
                time.sleep(0)
            yield client

    def add(self, client: Stoppable) -> None:
        """Add a client that waits without a task."""
        self._clients.add(client)

    def discard(self, client: Stoppable) -> None:
        """Remove a client that was added; its task, if it has one, is still waited for."""
        self._clients.discard(client)

    def add_task(self, task: asyncio.Task[None], client: Stoppable) -> None:
        """Add a client with the task of its handler, until the task is done or forgotten.

        On a stopping server the client is stopped at once.
        """
        self._tasks[task] = client
        task.add_done_callback(self._forget, context=_NO_CONTEXT)
        if self._stop is not None:
            client.stop(self._stop.code, 0.0)

    def forget(self, task: asyncio.Task[None]) -> None:
        """Stop waiting for a task that is done, or that ignores its cancellation."""
        self._tasks.pop(task, None)
        self.counts.leave(task)
        if not self._tasks and self._no_tasks is not None and not self._no_tasks.done():
            self._no_tasks.set_result(None)

    async def stop(self, stop: Stop) -> None:
        """Stop every client, at the pace of the server; at the deadline abort those that are left.

        Returns within a second after the deadline, even if handlers ignore their cancellation.
        """
        self._stop = stop
        async for client, retry_after in stop.spread(self.clients):
            client.stop(stop.code, retry_after)
        await self._wait_for_tasks(stop.deadline - self.loop.time())
        for task, client in list(self._tasks.items()):
            client.abort()
            task.cancel()
        await self._wait_for_tasks(CANCEL_TIMEOUT)
        for task in self._tasks:
            logger.error(
                "%s: the handler ignores the stop of the server; giving it up.", name_of(task)
            )

    async def _wait_for_tasks(self, timeout: float) -> None:
        if self._tasks:
            self._no_tasks = self.loop.create_future()
            await asyncio.wait([self._no_tasks], timeout=max(timeout, 0))
