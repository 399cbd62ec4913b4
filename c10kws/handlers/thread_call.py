"""``call_in_thread``: ``sync_to_async`` for the library's own calls, in half the time.

``sync_to_async`` chains three futures, each of which takes a turn of the event loop. Here the end
of the function resumes the task. Context variables, asgiref's ``Local`` and ``async_to_sync`` in
the function work in the same way.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from asgiref import sync
from asgiref.sync import AsyncToSync, SyncToAsync, sync_to_async

from .threads import HandlerThreads

#: Private in asgiref; without it every call is left to asgiref.
_restore_context: Any = getattr(sync, "_restore_context", None)


async def call_in_thread(function: Callable[[], object]) -> None:
    """Call a function in a thread for the current handler, and wait for its end.

    If the task is cancelled, a function that has begun continues, but this coroutine does not.
    """
    threads = _threads_of_handler()
    if threads is None:  # asgiref chooses the thread
        await sync_to_async(function, thread_sensitive=True)()
        return
    call = _Call(function)
    submitted = threads.submit(call.run)
    submitted.add_done_callback(call.drop)
    try:
        await call.end
    except asyncio.CancelledError:
        submitted.cancel()
        call.cancel_inner_task()
        raise
    finally:
        _restore_context(call.context)


def _threads_of_handler() -> HandlerThreads | None:
    """Return the threads that asgiref would use; None if it would not use a handler's."""
    if _restore_context is None or getattr(AsyncToSync.executors, "current", None) is not None:
        return None
    context = SyncToAsync.thread_sensitive_context.get(None)
    if context is None:
        return None
    executor: object = SyncToAsync.context_to_thread_executor.get(context)
    return executor if isinstance(executor, HandlerThreads) else None


class _Call:
    """A function with the context of a task, which awaits ``end``."""

    __slots__ = ("_function", "_inner_tasks", "_loop", "context", "end")

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        self._inner_tasks: list[asyncio.Task[Any]] = []  # of async_to_sync in the function
        self._loop = asyncio.get_running_loop()
        self.context = contextvars.copy_context()
        self.end: asyncio.Future[None] = self._loop.create_future()

    def run(self) -> None:
        """Call the function in this thread."""
        shared = SyncToAsync.threadlocal  # read by async_to_sync
        shared.main_event_loop = self._loop
        shared.main_event_loop_pid = os.getpid()
        shared.task_context = self._inner_tasks
        error: BaseException | None = None
        try:
            self.context.run(self._call)
        except BaseException as raised:  # for the task
            error = raised
        self._post(self._finish, error)
        del error  # it refers to this frame

    def _call(self) -> None:
        _restore_context(self.context)  # Locals belong to this thread from now on
        self._function()

    def drop(self, submitted: Future[None]) -> None:
        """Cancel the task if a stopping server has cancelled the call."""
        if submitted.cancelled():
            self._post(self._cancel)

    def cancel_inner_task(self) -> None:
        """Cancel a coroutine that the function is waiting for."""
        for task in self._inner_tasks[:1]:
            task.cancel()

    # Resuming the task

    def _post(self, function: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function, *arguments)

    def _finish(self, error: BaseException | None) -> None:
        end = self.end
        del self.end  # it refers to the exception, whose frames refer to this object
        if end.done():  # the task was cancelled
            return
        if error is None:
            end.set_result(None)
        else:
            end.set_exception(error)

    def _cancel(self) -> None:
        self.end.cancel()
