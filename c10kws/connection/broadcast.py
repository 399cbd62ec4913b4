"""``broadcast``: one message to many connections, framed once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import suppress
from threading import get_ident

from ..protocol.frames import make_frame
from ..protocol.messages import as_message
from .outbox import Broadcast
from .websocket import WebSocket


def broadcast(
    connections: Iterable[WebSocket], data: str | bytes, opcode: int | None = None
) -> int | Future[int]:
    """Send a message to each of ``connections``, from any thread, in call order with other writes.

    Return how many took it: at once on their event loop, as a :class:`concurrent.futures.Future`
    in another thread. Closed ones do not take it; one that is too slow (over MAX_QUEUE_BYTES
    unsent) is closed with 1013 or, as SLOW_CLIENT says, goes without.

    Raises TypeError and ValueError as ``write_message`` does, and ValueError when the connections
    do not belong to one event loop.
    """
    message = as_message(data, opcode)
    item = Broadcast(message, make_frame(message))
    connections = list(connections)  # a write may end a connection, and so change a set
    if not connections:
        return _nobody()
    shared = connections[0].shared
    if any(connection.shared is not shared for connection in connections):
        raise ValueError(
            "The connections belong to different event loops; call broadcast() once per loop."
        )
    if get_ident() == shared.thread:
        shared.in_hand = item
        try:
            return sum([connection.take_broadcast(item) for connection in connections])
        finally:
            shared.in_hand = None
    return _from_thread(shared.loop, connections, item)


def _from_thread(
    loop: asyncio.AbstractEventLoop, connections: list[WebSocket], item: Broadcast
) -> Future[int]:
    """Put the item into every outbox now, so that the order of the calls holds; count later."""
    result: Future[int] = Future()
    taken = sum([connection.put(item) is not None for connection in connections])

    def flush() -> None:
        for connection in connections:
            connection.flush_from_thread()
        if result.set_running_or_notify_cancel():
            result.set_result(taken - item.failed)

    try:
        loop.call_soon_threadsafe(flush)
    except RuntimeError:  # the loop is closed, and so are they
        result.set_result(0)
    return result


def _nobody() -> int | Future[int]:
    """Return the nothing of the type that this thread would get."""
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return 0
    nobody: Future[int] = Future()
    nobody.set_result(0)
    return nobody
