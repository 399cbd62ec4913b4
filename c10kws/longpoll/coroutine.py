"""Coroutine of an ``async def`` view, on the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import sync_to_async

from ..handlers.context import ViewContext
from ..handlers.threads import HandlerThreads
from ..interrupts import must_pass
from .handler import Handler


class ViewCoroutine:
    """The coroutine of one request and its task; made in the thread of the view.

    The threads of its sync calls keep their database connections until it ends, since a cursor may
    be open between two calls.
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
        """Start the task, with the context of the view; on the loop."""
        self._context.enter(threads, self)
        path = self._handler.pending.path
        self._task = loop.create_task(self._run(), name=path, context=self._context.variables)
        return self._task

    async def _run(self) -> None:
        """Treat a cancellation as a failure, unless the response has ended before."""
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
            # asyncio keeps a cancelled timer, and with it this context, until its time has come.
            del self._call, self._handler
            self._task = None  # its context refers to this object
            del self._context
