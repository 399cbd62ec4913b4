"""Sync functions in threads, which a cancelled task waits for.

When a task is cancelled, ``call_in_thread`` returns although its thread continues. Here the task
waits for the thread before it goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from ...connection.websocket import connection_of
from ...handlers.thread_call import call_in_thread
from ...interrupts import is_ctrl_c
from ..clients.backpressure import call_for
from ..clients.socket import Socket

#: Seconds for which the emits of a function to its client may wait for its end: to wake the event
#: loop for each costs more than the rest of an event.
MAX_DELAY = 0.002


class NotAnException(RuntimeError):
    """A callback raised an error that is not an Exception: SystemExit, the panic of a binding."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"The callback raised {self.error!r}, which is not an Exception."


class ThreadCalls:
    """Calls of sync functions for one client, one at a time."""

    __slots__ = ("_socket", "abandoned")

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        #: True if a thread still runs a function that the task does not wait for any more.
        self.abandoned = False

    async def call(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function in a thread of the server; its emits to the client wait.

        A task that is cancelled waits for the end of the function; cancelled again, it does not.
        """
        socket = self._socket
        job = _Job(call_for, socket.connection, socket.endpoint.path, function, *arguments)
        sender = connection_of(socket.connection).sender
        timer = sender.flush_within(MAX_DELAY)
        try:
            await job.run()
        except asyncio.CancelledError:
            self.abandoned = True
            await job.give_up()
            self.abandoned = False
            raise
        finally:
            timer.cancel()
            sender.flush_and_relieve()


class _Job:
    """One call of a function in a thread."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._function = function
        self._arguments = arguments
        self._end: Future[None] = Future()

    async def run(self) -> None:
        """Call the function in a thread of the server."""
        await call_in_thread(self._call)

    async def give_up(self) -> None:
        """Do not start the function. If it has started, wait until it has returned or raised."""
        if not self._end.cancel():
            await asyncio.wrap_future(self._end)

    def _call(self) -> None:
        if not self._end.set_running_or_notify_cancel():
            return
        try:
            self._function(*self._arguments)
        except StopIteration as error:  # a future cannot hold it
            raise RuntimeError(f"The callback raised {error!r}.") from error
        except BaseException as error:
            if isinstance(error, Exception) or is_ctrl_c(error):
                raise
            raise NotAnException(error) from error  # else it would end the event loop
        finally:
            self._end.set_result(None)
