"""An ``async def`` view, on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async

from ..handlers.context import ViewContext
from ..handlers.threads import HandlerThreads
from ..interrupts import must_pass
from .handler import Handler


class Coroutine:
    """The coroutine of one request and its task; made in the thread of the view.

    For the threads of its sync calls it is busy until it ends: a cursor may be open between two of
    them.
    """

    def __init__(self, call: Callable[[], Awaitable[Any]], handler: Handler) -> None:
        self._call = call
        self._handler = handler
        self._context = ViewContext()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> bool:
        """True when it has ended."""
        return self._task is None or self._task.done()

    def start(self, loop: asyncio.AbstractEventLoop, threads: HandlerThreads) -> asyncio.Task[None]:
        """Run it, with the context of its view; on the loop."""
        self._context.enter(threads, self)
        self._task = loop.create_task(
            self._run(), name=self._handler.request.path, context=self._context.variables
        )
        return self._task

    async def _run(self) -> None:
        """Treat a cancellation as a failure, unless the response has ended before it."""
        try:
            response = await self._call()
            if response is not None:
                if callable(render := getattr(response, "render", None)):
                    response = await sync_to_async(render)()
                self._handler.take(response)
        except asyncio.CancelledError as error:
            if not self._handler.pending.settled:
                self._handler.pending.fail(error)
        except BaseException as error:
            if must_pass(error):
                raise
            self._handler.pending.fail(error)
        finally:
            # asyncio keeps the context of a cancelled timer until its time has come, and so this.
            del self._call, self._handler
