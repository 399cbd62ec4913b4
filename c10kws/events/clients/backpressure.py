"""Backpressure for sync callbacks: emits wait for the callback's own client to read.

An ``async def`` callback awaits its emits. A sync one cannot. Without waiting, its thread would
queue everything before the client has read anything, and the client would be closed as slow.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ...connection.facts import describe
from ...connection.loop import on_event_loop
from ...connection.websocket import WebSocket, connection_of
from ...protocol.closing import CloseCode

logger = logging.getLogger("c10kws.events")

#: A thread waits when it has filled one part in so many of MAX_QUEUE_BYTES. The rest is for
#: broadcasts.
SHARE = 4

_local = threading.local()


@dataclass(slots=True)
class _Turn:
    """The work of a thread for one client, and the seconds that it may still wait."""

    websocket: WebSocket
    path: str
    seconds_left: float
    gave_up: bool = False


def call_for(websocket: WebSocket, path: str, function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a thread. Its emits to this client wait, at most SEND_TIMEOUT in total.

    The limit is for all of them together. Otherwise a client that reads just enough could hold a
    thread for a long time. ``path`` is that of the EventSocket, for the log.
    """
    before = getattr(_local, "turn", None)
    settings = connection_of(websocket).sender.settings
    _local.turn = _Turn(websocket, path, settings.send_timeout)
    try:
        return function(*arguments)
    finally:
        _local.turn = before


def is_own(websocket: WebSocket) -> bool:
    """Return True in a thread that runs a callback of this client."""
    turn: _Turn | None = getattr(_local, "turn", None)
    return turn is not None and turn.websocket is websocket


def wait_for_client(sent: Awaitable[None]) -> None:
    """Wait until a write of this thread's client is sent. Close the client after SEND_TIMEOUT.

    Raises :exc:`ConnectionClosed` when the connection has ended. Does nothing on a thread that runs
    an event loop.
    """
    turn: _Turn = _local.turn
    connection = connection_of(turn.websocket)
    loop_state = connection.loop_state
    if on_event_loop() or threading.get_ident() == loop_state.thread or turn.gave_up:
        return
    began = time.monotonic()
    try:
        waiting = asyncio.run_coroutine_threadsafe(_wait(sent), loop_state.loop)
    except RuntimeError:  # the loop is closed, and so is the connection
        return
    try:
        waiting.result(max(turn.seconds_left, 0))
    except TimeoutError:
        waiting.cancel()
        turn.gave_up = True  # it emits until the loop has closed the connection
        logger.warning(
            "%s: closing slow client: a callback has waited %g s for it to read.",
            *(turn.path, connection.sender.settings.send_timeout),
            extra=describe(connection) | {"close_code": CloseCode.TRY_AGAIN_LATER.value},
        )
        loop_state.loop.call_soon_threadsafe(
            connection.send_close, CloseCode.TRY_AGAIN_LATER, "too slow"
        )
    finally:
        turn.seconds_left -= time.monotonic() - began


async def _wait(sent: Awaitable[None]) -> None:
    await sent
