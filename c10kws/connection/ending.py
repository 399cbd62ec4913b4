"""``Ending``: the closing handshake of one connection (RFC 6455 §7.1).

* The first Close frame, in either direction, says how the connection ended.
* A Close waits for a message in fragments for HANDLER_TIMEOUT; then that message is cancelled.
* The peer has CLOSE_TIMEOUT to answer a Close; then TCP is aborted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from threading import get_ident
from typing import Any, Protocol

from ..protocol.closing import Close, CloseCode, State
from ..protocol.received import Ended
from .handler_watch import HandlerWatch
from .inbox import Inbox
from .keepalive import Keepalive
from .sender import Sender
from .watchdog import name_of

logger = logging.getLogger("c10kws")


class EndingConnection(Protocol):
    """The connection that an :class:`Ending` ends."""

    handler: HandlerWatch
    inbox: Inbox
    keepalive: Keepalive
    sender: Sender


class Ending:
    """Made when a connection begins to end, or a task waits for that; an idle one does without."""

    __slots__ = ("_connection", "_sender", "_timer", "_waiters")

    def __init__(self, connection: EndingConnection) -> None:
        self._connection = connection
        self._sender = connection.sender
        self._waiters: list[asyncio.Future[None]] = []
        #: Limits how long a Close waits for a message in fragments, then for its answer.
        self._timer: asyncio.TimerHandle | None = None

    # A Close after what is queued

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake after what is queued; from any thread."""
        self._sender.post(Close(code, reason))
        if self._sender.closed:
            return
        loop_state = self._sender.loop_state
        if get_ident() == loop_state.thread:
            self._limit_stream(code, reason)
        elif not loop_state.loop.is_closed():
            loop_state.loop.call_soon_threadsafe(self._limit_stream, code, reason)

    @property
    def waits(self) -> bool:
        """True while a Close waits for a message in fragments."""
        return self._timer is not None and not self._sender.closed

    def _limit_stream(self, code: int, reason: str) -> None:
        """Start the timer that cancels a message in fragments which delays a Close."""
        if not self._sender.closed:
            timeout = self._sender.settings.handler_timeout
            self._start_timer(timeout, self._end_late_stream, code, reason)

    def _end_late_stream(self, code: int, reason: str) -> None:
        self._timer = None
        if self._sender.closed or self._sender.stream is None:
            return
        task = self._connection.handler.task
        logger.warning(
            "%s: a message in fragments did not end within %g s; cancelling it and closing.",
            "-" if task is None else name_of(task),
            self._sender.settings.handler_timeout,
        )
        self.cut_stream(code, reason)

    def cut_stream(self, code: int, reason: str) -> None:
        """Cancel a message in fragments and send the Close that waits for it.

        §5.4 lets control frames go between fragments.
        """
        if self._sender.stream is not None:
            if code == CloseCode.NORMAL_CLOSURE:  # not so for a peer that has half a message
                code, reason = CloseCode.INTERNAL_ERROR, "internal error"
            self._sender.close(code, reason)

    # The closing handshake

    def send_close(self, code: int, reason: str) -> None:
        """Send our Close now, and limit the time for its answer."""
        self._sender.cork.push_close(self._sender.protocol.send_close(code, reason))
        self._end(Close(code, reason))
        self._limit_answer()

    def handle(self, ended: Ended) -> None:
        """Answer the peer's Close, or its fault."""
        cork = self._sender.cork
        self._sender.flush_without_waiting()  # what was written before is sent before
        if ended.answer and not self._sender.closed:  # else a Close of ours was among it
            cork.push_close(ended.answer)
        self._end(ended.close)
        cork.flush()
        self._end_tcp()
        if self._sender.protocol.state is not State.CLOSED or cork.unsent:
            self._limit_answer()

    def _end_tcp(self) -> None:
        """RFC 6455 §7.1.1: the server closes TCP first, when the peer has the last Close.

        After a failure more may be on its way, and closing now would reset the connection before
        the peer has read why: our half is closed, and the peer's end or a timer ends the rest.
        """
        transport = self._sender.cork.transport
        if transport is None:
            return
        if self._sender.protocol.state is State.CLOSED:
            transport.close()
        elif transport.can_write_eof():
            with suppress(OSError):  # the peer has reset it already; asyncio's own would raise
                transport.write_eof()

    def _end(self, close: Close) -> None:
        """Remember how the connection ended; the first call counts."""
        if self._sender.closed:
            return
        self._stop_timer()
        self._sender.end(close)
        self._connection.keepalive.end()
        self._connection.inbox.end()  # first, since most handlers notice the end and need no timer
        self._connection.handler.begin()

    def _limit_answer(self) -> None:
        timeout = self._sender.settings.close_timeout
        self._start_timer(timeout, self._sender.cork.abort)

    # The end of TCP

    def lose(self) -> None:
        """Handle the end of TCP, with or without a Close before it."""
        self._sender.detach()
        self._end(Close(CloseCode.ABNORMAL_CLOSURE))
        self._stop_timer()
        self._sender.flush()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self) -> None:
        """Wait until the connection has ended and its socket is closed."""
        waiter = self._sender.loop_state.loop.create_future()
        self._waiters.append(waiter)
        await waiter

    # The timer

    def _start_timer(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        if self._timer is None and not self._sender.detached:
            loop = self._sender.loop_state.loop
            self._timer = loop.call_later(seconds, callback, *args)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
