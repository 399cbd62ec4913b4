"""The run of a handler: it ends soon after its connection, and the connection soon after it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from ..connection.websocket import WebSocket, connection_of
from ..exceptions import ConnectionClosed
from ..interrupts import must_pass
from ..protocol.closing import CloseCode
from .freezer import freezer

HandlerFunction = Callable[[WebSocket], Awaitable[None]]


class EndObserver(Protocol):
    """Observer of the end of a handler and its connection."""

    def failed(self, websocket: WebSocket, error: BaseException) -> None:
        """Handle the handler's exception."""

    def ended(self, websocket: WebSocket) -> None:
        """Handle the end of the connection."""


async def serve(websocket: WebSocket, handler: HandlerFunction, observer: EndObserver) -> None:
    """Run ``handler`` in the current task, then close the connection and wait for its end.

    The connection is closed with 1000 when the handler returns and with 1011 when it raises.
    ``observer`` gets the exception, except :exc:`ConnectionClosed` of this connection, which is the
    normal end of a handler that reads in a loop.
    """
    # Each variable here takes memory while the connection is idle.
    _begin(websocket)
    try:
        running = handler(websocket)
        del handler  # it may refer to a request that is not kept
        await running
    except BaseException as error:  # for example sys.exit(), or the panic of an extension module
        if must_pass(error) and not isinstance(error, asyncio.CancelledError):
            raise
        if not _is_normal_end(error, websocket):
            connection_of(websocket).fail()
            observer.failed(websocket, error)
    await _end(websocket, observer)


def _begin(websocket: WebSocket) -> None:
    task = asyncio.current_task()
    assert task is not None
    connection_of(websocket).handler.set_task(task)
    freezer.opened()


async def _end(websocket: WebSocket, observer: EndObserver) -> None:
    """Close the connection unless it is closed, and wait for its end."""
    connection = connection_of(websocket)
    try:
        if not connection.closed:
            connection.close(CloseCode.NORMAL_CLOSURE)
        await connection.wait_closed()
    finally:
        observer.ended(websocket)
        connection.handler.end()
        freezer.ended(connection.opened)


def _is_normal_end(error: BaseException, websocket: WebSocket) -> bool:
    if isinstance(error, asyncio.CancelledError):  # else cancelled by the application
        return websocket.closed
    if isinstance(error, ExceptionGroup):
        return all(_is_normal_end(each, websocket) for each in error.exceptions)
    return isinstance(error, ConnectionClosed) and error.websocket is websocket
