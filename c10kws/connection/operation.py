"""``Operation``: the awaitable result of a method that acts immediately."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator
from typing import Any

from .connection import Connection


class Operation:
    """Returned by methods that act immediately; awaiting it waits for the operation to complete."""

    __slots__ = ("_connection", "_wait")

    def __init__(
        self, connection: Connection, wait: Callable[[], Coroutine[Any, Any, Any]]
    ) -> None:
        self._connection = connection
        self._wait = wait

    def __await__(self) -> Generator[Any, None, Any]:
        connection = self._connection
        if asyncio.get_running_loop() is not connection.loop_state.loop:
            raise RuntimeError(
                "The connection belongs to another event loop. Await the result there; in other "
                "loops and threads call the method and ignore the result."
            )
        if connection.closed:
            return self._wait_late().__await__()
        return self._wait().__await__()

    async def _wait_late(self) -> Any:
        """Pace the handler's own tasks after the end; other tasks yield once."""
        handler = self._connection.handler
        if handler.is_own(asyncio.current_task(), self._connection):
            await handler.pace()
        else:
            await asyncio.sleep(0)
        return await self._wait()
