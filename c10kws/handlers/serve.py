"""The life of a handler: it runs with its connection, and neither outlives the other for long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..connection.websocket import WebSocket
from ..exceptions import ConnectionClosed
from ..interrupts import must_pass

Handler = Callable[[WebSocket], Awaitable[None]]


class Report(Protocol):
    """Observer of the end of a handler and its connection."""

    def failed(self, error: BaseException) -> None:
        """Handle the handler's exception."""

    def ended(self, websocket: WebSocket) -> None:
        """Handle the end of the connection."""


async def serve(websocket: WebSocket, handler: Handler, report: Report) -> None:
    """Run ``handler`` in the current task, then close the connection and wait for its end.

    It closes with 1000 when the handler returns and with 1011 when it raises. ``report`` is told
    what it raised, except :exc:`ConnectionClosed` of this very connection, which is the normal
    end of a handler that reads in a loop.
    """
    task = asyncio.current_task()
    assert task is not None
    websocket.cancel_when_over(task)
    try:
        running = handler(websocket)
        del handler  # and what it holds: the request may have been let go
        await running
    except asyncio.CancelledError as error:
        if not websocket.closed:  # the library does not cancel the handler of an open connection
            websocket.fail()
            report.failed(error)
    except BaseException as error:  # the panic of a binding, say, or sys.exit()
        if must_pass(error):
            raise
        if not _is_normal_end(error, websocket):
            websocket.fail()
            report.failed(error)
    try:
        websocket.close(1000)
        await websocket.wait_closed()
    finally:
        report.ended(websocket)


def _is_normal_end(error: BaseException, websocket: WebSocket) -> bool:
    if isinstance(error, ExceptionGroup):
        return all(_is_normal_end(each, websocket) for each in error.exceptions)
    return isinstance(error, ConnectionClosed) and error.websocket is websocket
