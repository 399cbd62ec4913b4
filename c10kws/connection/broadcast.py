"""``broadcast``: one message to many connections, framed once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from threading import get_ident

from ..protocol.frames import make_frame
from ..protocol.messages import Message, as_message
from .items import SharedMessage
from .loop import LoopState, on_event_loop
from .sender import Sender
from .websocket import WebSocket, connection_of

#: Longest frame that waits for others of the same turn. A longer one is shared by all transports.
LONGEST_CORKED = 1024


class BroadcastResult:
    """Number of connections that a broadcast is sent to; it may be ignored.

    In a coroutine ``await`` it, in another thread call :meth:`result`.
    """

    __slots__ = ("_count", "_future")

    def __init__(self, count: int = 0, future: Future[int] | None = None) -> None:
        self._count = count
        self._future = future

    def done(self) -> bool:
        """Return True when the number is known: on the event loop, at once."""
        return self._future is None or self._future.done()

    def result(self, timeout: float | None = None) -> int:
        """Return the number. In a thread other than the event loop's, wait until it is known.

        Raises TimeoutError after ``timeout`` seconds, and RuntimeError where waiting would block
        an event loop: await it there.
        """
        if self._future is None:
            return self._count
        if not self._future.done() and on_event_loop():
            raise RuntimeError("result() would block the event loop; await the broadcast instead.")
        return self._future.result(timeout)

    def when_done(self, callback: Callable[[int], object]) -> None:
        """Call ``callback`` with the number: now if it is known, else later on the loop."""
        if self._future is None:
            callback(self._count)
        else:
            self._future.add_done_callback(lambda future: callback(future.result()))

    def __await__(self) -> Generator[object, None, int]:
        if self._future is None:
            return self._count
        return (yield from asyncio.shield(asyncio.wrap_future(self._future)))


def broadcast(
    connections: Iterable[WebSocket], data: str | bytes, opcode: int | None = None
) -> BroadcastResult:
    """Send a message to each of ``connections``, from any thread, in call order with other writes.

    The result is the number of connections that the message is sent to. It may be ignored. In a
    coroutine await it; in another thread call its ``result()``, which waits until the event loop
    has sent the message.

    Closed connections are skipped. A client that is too slow (more than MAX_QUEUE_BYTES queued) is
    disconnected with 1013, or skipped when SLOW_CLIENT is "drop".

    Raises TypeError and ValueError as ``write_message`` does, and ValueError when the connections
    do not belong to one event loop.
    """
    message = as_message(data, opcode)
    websockets = list(connections)  # at once: another thread, or a write, may change a set
    senders = [connection_of(websocket).sender for websocket in websockets]
    if not senders:
        return BroadcastResult()
    loop_state = senders[0].loop_state
    if any(sender.loop_state is not loop_state for sender in senders):
        raise ValueError(
            "The connections belong to different event loops; call broadcast() once per loop."
        )
    if get_ident() != loop_state.thread:
        return _from_thread(loop_state, senders, SharedMessage(message, make_frame(message)))
    return BroadcastResult(broadcast_here(loop_state, senders, message))


def broadcast_here(loop_state: LoopState, senders: Iterable[Sender], message: Message) -> int:
    """Send a message to connections of the running loop; return the number that took it."""
    item = SharedMessage(message, make_frame(message))
    take = _cork if loop_state.batch and len(item.frame) <= LONGEST_CORKED else _take
    loop_state.broadcast = item
    try:
        return sum([take(sender, item) for sender in senders])
    finally:
        loop_state.broadcast = None


def _cork(sender: Sender, item: SharedMessage) -> bool:
    """As :func:`_take`, but send it together with the next messages of this turn."""
    if sender.prompt and sender.cork.transport is not None:
        sender.sent += 1
        sender.cork.push(item.frame)
        return True
    return _take(sender, item)


def _take(sender: Sender, item: SharedMessage) -> bool:
    """Send the message, on the loop's thread; return whether it was, or will be, sent."""
    cork = sender.cork
    if sender.prompt and not cork.frames and cork.transport is not None:
        sender.sent += 1
        cork.transport.write(item.frame)
        return True
    if sender.may_send or sender.closed:
        return sender.send_shared(item)
    taken = sender.put(item) is not None
    sender.flush_and_relieve()
    return taken


def _from_thread(
    loop_state: LoopState, senders: list[Sender], item: SharedMessage
) -> BroadcastResult:
    """Put the item into every outbox now, so that the order of the calls holds; count later."""
    future: Future[int] = Future()
    taken = sum([sender.put(item) is not None for sender in senders])

    def flush() -> None:
        for sender in senders:
            sender.flush_and_relieve()
        if future.set_running_or_notify_cancel():
            future.set_result(taken - item.failed)

    try:
        loop_state.loop.call_soon_threadsafe(flush)
    except RuntimeError:  # the loop is closed, and so are they
        return BroadcastResult()
    return BroadcastResult(future=future)
