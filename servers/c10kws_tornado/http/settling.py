"""Waiting for a receiver that handles a piece of its request asynchronously."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

#: Exceptions of a receiver that end its connection. SystemExit must not end the server.
FAILURES = (Exception, asyncio.CancelledError, SystemExit)


async def settle(
    waiting: Awaitable[None],
    ready: Callable[[], object],
    fail: Callable[[BaseException], object],
) -> None:
    """Await, then call ``ready``, or ``fail`` with the exception; neither if it is cancelled."""
    try:
        await waiting
    except FAILURES as error:
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise
        fail(error)
    else:
        ready()
