"""The live connections of each server, and how they end when it stops."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
from collections.abc import Callable, Iterator

from ..connection.watchdog import name_of
from ..connection.websocket import WebSocket
from ..hijack import StopCallback

logger = logging.getLogger("c10kws")

OnStop = Callable[[StopCallback], None]

#: Seconds that a cancelled handler has for its ``finally`` after the server's deadline.
CANCEL_TIMEOUT = 0.9

#: One for all: a copy of the current one for each task would cost memory.
_NO_CONTEXT = contextvars.Context()

_registries: dict[OnStop, Registry] = {}
#: Classes that have announced a server.
_announced: set[type] = set()


def announce(by: type) -> None:
    """Mark this process as a server; ``by`` is the class that serves, or is about to."""
    _announced.add(by)


def retract(by: type) -> None:
    """Undo what :func:`announce` did for this class."""
    _announced.discard(by)


def serving() -> bool:
    """Return True in a process that serves, or is going to."""
    return bool(_announced) or bool(_registries)


def _forget_servers() -> None:
    """Mark a forked child as serving nothing, since its events would reach no client.

    A parent of preforked workers has no connections yet: its workers keep its announcement.
    """
    if _registries:
        _announced.clear()
        _registries.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_servers)


class Registry:
    """The connections that one server carries, each with the task of its handler."""

    def __init__(self) -> None:
        self._websockets: dict[asyncio.Task[None], WebSocket] = {}
        self._empty: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self._websockets)

    def __iter__(self) -> Iterator[WebSocket]:
        return iter(list(self._websockets.values()))

    def add(self, websocket: WebSocket, task: asyncio.Task[None]) -> None:
        """Register a connection until its handler's task is done, or given up."""
        self._websockets[task] = websocket
        websocket.registry = self
        task.add_done_callback(self.forget, context=_NO_CONTEXT)

    def forget(self, task: asyncio.Task[None]) -> None:
        """Stop waiting for a handler's task."""
        self._websockets.pop(task, None)
        if not self._websockets and self._empty is not None and not self._empty.done():
            self._empty.set_result(None)

    async def stop(self, code: int, deadline: float) -> None:
        """Close every connection with ``code``; at ``deadline`` (loop time) abort what is left.

        It returns a second after that, whatever a handler does.
        """
        for websocket in self:
            websocket.stop(code)
        await self._wait(deadline - asyncio.get_running_loop().time())
        for task, websocket in list(self._websockets.items()):
            websocket.abort()
            task.cancel()
        await self._wait(CANCEL_TIMEOUT)
        for task in self._websockets:
            logger.error(
                "%s: the handler ignores the stop of the server; giving it up.", name_of(task)
            )

    async def _wait(self, timeout: float) -> None:
        if self._websockets:
            self._empty = asyncio.get_running_loop().create_future()
            await asyncio.wait([self._empty], timeout=max(timeout, 0))


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
