"""The live connections of each server, and how they end when it stops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

from .connection import WebSocket
from .hijack import StopCallback

OnStop = Callable[[StopCallback], None]

#: What a cancelled handler has for its ``finally`` once the server's deadline has passed.
CANCEL_TIMEOUT = 1.0

_registries: dict[OnStop, Registry] = {}


class Registry:
    """The connections that one server carries, each with the task of its handler."""

    def __init__(self) -> None:
        self._tasks: dict[WebSocket, asyncio.Task[None]] = {}

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator[WebSocket]:
        return iter(list(self._tasks))

    def add(self, websocket: WebSocket, task: asyncio.Task[None]) -> None:
        """Keep a connection until its handler's task is done."""
        self._tasks[websocket] = task
        task.add_done_callback(lambda _: self._tasks.pop(websocket, None))

    async def stop(self, code: int, deadline: float) -> None:
        """Close every connection with ``code``; at ``deadline`` (loop time) abort what is left."""
        for websocket in self:
            websocket.close(code)
        await self._wait(deadline - asyncio.get_running_loop().time())
        for websocket, task in list(self._tasks.items()):
            websocket.abort()
            task.cancel()
        await self._wait(CANCEL_TIMEOUT)

    async def _wait(self, timeout: float) -> None:
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()), timeout=max(timeout, 0))


def registry_of(on_stop: OnStop) -> Registry:
    """Return the registry of the server whose contract has this ``on_stop``; on its loop."""
    registry = _registries.get(on_stop)
    if registry is None:
        registry = _registries[on_stop] = Registry()

        async def stop(code: int, deadline: float) -> None:
            try:
                await registry.stop(code, deadline)
            finally:
                _registries.pop(on_stop, None)

        on_stop(stop)
    return registry
