"""Backpressure for sync callbacks: emits wait for the callback's own client to read.

An ``async def`` callback awaits what it emits. A sync one cannot; its thread would queue everything
before the client has read anything, and the client would be closed as a slow one.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import conf

if TYPE_CHECKING:
    from .socket import Socket

logger = logging.getLogger("c10kws.events")

#: Part of MAX_QUEUE_BYTES that a thread may fill before it waits; the rest is for broadcasts.
SHARE = 4

_local = threading.local()


@dataclass(slots=True)
class _Turn:
    """A thread's work for one client, and the seconds that it may still wait."""

    socket: Socket
    left: float


def call_for(socket: Socket, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a thread; its emits to ``socket`` wait, at most SEND_TIMEOUT in total.

    In total, so that a client that reads just enough does not hold a thread for long.
    """
    before = getattr(_local, "turn", None)
    _local.turn = _Turn(socket, conf.current().send_timeout)
    try:
        return function(*arguments)
    finally:
        _local.turn = before


def is_own(socket: Socket) -> bool:
    """Return True in a thread that runs a callback of this client."""
    turn: _Turn | None = getattr(_local, "turn", None)
    return turn is not None and turn.socket is socket


def wait_for_client(sent: Awaitable[None]) -> None:
    """Wait until a write of this thread's client is sent; close the client when time is up.

    Raises :exc:`ConnectionClosed` when the connection has ended. It does nothing on a thread that
    runs an event loop.
    """
    turn: _Turn = _local.turn
    shared = turn.socket.connection.shared
    if _runs_a_loop() or threading.get_ident() == shared.thread:
        return
    began = time.monotonic()
    try:
        waiting = asyncio.run_coroutine_threadsafe(_wait(sent), shared.loop)
    except RuntimeError:  # the loop is closed, and so is the connection
        return
    try:
        waiting.result(max(turn.left, 0))
    except TimeoutError:
        waiting.cancel()
        logger.warning(
            "%s: closing slow client: a callback has waited %g s for it.",
            *(turn.socket.endpoint.path, conf.current().send_timeout),
        )
        shared.loop.call_soon_threadsafe(turn.socket.connection.send_close, 1013, "too slow")
    finally:
        turn.left -= time.monotonic() - began


async def _wait(sent: Awaitable[None]) -> None:
    await sent


def _runs_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
