"""The responses that the clients of one server wait for, and how they end when it stops."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from ..hijack import Executor, Hijack
from .errors import error_page

if TYPE_CHECKING:
    from .pending import Pending

#: Seconds that a cancelled coroutine has for its ``finally`` after the server's deadline.
CANCEL_TIMEOUT = 0.9

_of_servers: WeakKeyDictionary[Executor, Waiting] = WeakKeyDictionary()


class Waiting:
    """Kept on the loop's thread."""

    def __init__(self) -> None:
        self.stopping = False
        self._responses: set[Pending] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._responses)

    def add(self, pending: Pending) -> None:
        """Add a response whose client waits."""
        self._responses.add(pending)

    def discard(self, pending: Pending) -> None:
        """Remove a response that has ended."""
        self._responses.discard(pending)

    def add_task(self, task: asyncio.Task[None]) -> None:
        """Keep a coroutine until it ends, which may be after its response."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self, code: int, deadline: float) -> None:
        """Answer who waits with 503 at once; what has begun has until ``deadline`` (loop time)."""
        self.stopping = True
        for pending in list(self._responses):
            if not pending.begun:
                pending.give_up(error_page(503))
        await self._wait(deadline - asyncio.get_running_loop().time())
        for task in self._tasks:
            task.cancel()
        await self._wait(CANCEL_TIMEOUT)

    async def _wait(self, timeout: float) -> None:
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=max(timeout, 0))


def waiting_of(contract: Hijack) -> Waiting:
    """Return those of the contract's server; on its loop."""
    waiting = _of_servers.get(contract.executor)
    if waiting is None:
        waiting = _of_servers[contract.executor] = Waiting()
        contract.on_stop(waiting.stop)
    return waiting
