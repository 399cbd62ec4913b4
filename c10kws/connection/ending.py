"""``Ending``: how a connection and its handler end together.

* The first Close frame, in either direction, says how the connection ended.
* A Close waits behind a message in fragments for HANDLER_TIMEOUT; then that message is cancelled.
* The peer has CLOSE_TIMEOUT to answer a Close; then TCP is aborted.
* The :mod:`watchdog <c10kws.connection.watchdog>` ends a handler that goes on after the end.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from threading import get_ident
from typing import Any

from ..conf import Settings
from ..protocol.closing import Close, CloseCode, State
from ..protocol.received import Ended
from ..protocol.server import ServerProtocol
from .inbox import Inbox
from .keepalive import Keepalive
from .sender import Sender
from .watchdog import HandlerTasks, Watchdog, name_of

logger = logging.getLogger("c10kws")

#: Called with the code and the reason of a Close.
Farewell = Callable[[int, str], object]


class Ending:
    """The closing handshake of one connection, and the watch over its handler.

    ``farewell`` is called before our first ``close``, to send a last message. ``task`` is that of
    the handler; ``handlers`` forget it when it is given up.
    """

    __slots__ = (
        "_inbox",
        "_keepalive",
        "_lost",
        "_protocol",
        "_sender",
        "_settings",
        "_timer",
        "_watchdog",
        "farewell",
        "handlers",
        "task",
    )

    def __init__(
        self,
        settings: Settings,
        protocol: ServerProtocol,
        sender: Sender,
        inbox: Inbox,
        keepalive: Keepalive,
    ) -> None:
        self._settings = settings
        self._protocol = protocol
        self._sender = sender
        self._inbox = inbox
        self._keepalive = keepalive
        #: Limits how long a Close waits behind a message in fragments, then for its answer.
        self._timer: asyncio.TimerHandle | None = None
        self._watchdog: Watchdog | None = None
        self._lost: asyncio.Future[None] | None = None
        self.farewell: Farewell | None = None
        self.handlers: HandlerTasks | None = None
        self.task: asyncio.Task[None] | None = None

    # A Close behind what is queued

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake behind what is queued; from any thread."""
        farewell, self.farewell = self.farewell, None
        if farewell is not None and not self._sender.closed:
            farewell(code, reason)
        self._sender.post(Close(code, reason))
        if self._sender.closed:
            return
        loop_state = self._sender.loop_state
        if get_ident() == loop_state.thread:
            self._limit_stream(code, reason)
        elif not loop_state.loop.is_closed():
            loop_state.loop.call_soon_threadsafe(self._limit_stream, code, reason)

    def fail(self) -> None:
        """Close with 1011 because the handler failed; do not wait for a message in fragments."""
        self.close(CloseCode.INTERNAL_ERROR, "internal error")
        self._cut_stream(CloseCode.INTERNAL_ERROR, "internal error")

    def stop(self, code: int) -> None:
        """Close because the server stops; send at once a Close that is already waiting."""
        waits = self._timer is not None and not self._sender.closed
        self.close(code, "")
        if waits:
            self._cut_stream(code, "")

    def _limit_stream(self, code: int, reason: str) -> None:
        """Start the timer that cancels a message in fragments which delays a Close."""
        if not self._sender.closed:
            self._start_timer(self._settings.handler_timeout, self._end_stream, code, reason)

    def _end_stream(self, code: int, reason: str) -> None:
        self._timer = None
        if self._sender.closed or self._sender.stream_task is None:
            return
        logger.warning(
            "%s: a message in fragments did not end within %g s; cancelling it and closing.",
            "-" if self.task is None else name_of(self.task),
            self._settings.handler_timeout,
        )
        self._cut_stream(code, reason)

    def _cut_stream(self, code: int, reason: str) -> None:
        """Cancel a message in fragments and send the Close that waits behind it.

        §5.4 lets control frames go between fragments.
        """
        if self._sender.stream_task is not None:
            if code == CloseCode.NORMAL_CLOSURE:  # not so for a peer that has half a message
                code, reason = CloseCode.INTERNAL_ERROR, "internal error"
            self._sender.close(code, reason)

    # The closing handshake

    def send_close(self, code: int, reason: str) -> None:
        """Send our Close now, and limit the time for its answer."""
        self._sender.cork.push_close(self._protocol.send_close(code, reason))
        self._end(Close(code, reason))
        self._limit_answer()

    def handle(self, ended: Ended) -> None:
        """Answer the peer's Close, or its fault."""
        cork = self._sender.cork
        self._sender.flush_urgently()  # what was written before is sent before
        if ended.answer and not self._sender.closed:  # else a Close of ours was among it
            cork.push_close(ended.answer)
        self._end(ended.close)
        cork.flush()
        self._end_tcp()
        if self._protocol.state is not State.CLOSED or cork.unsent:
            self._limit_answer()

    def _end_tcp(self) -> None:
        """RFC 6455 §7.1.1: the server closes TCP first, when the peer has the last Close.

        After a failure more may be on its way, and closing now would reset the connection before
        the peer has read why: our half is closed, and the peer's end or a timer ends the rest.
        """
        transport = self._sender.cork.transport
        if transport is None:
            return
        if self._protocol.state is State.CLOSED:
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
        self._keepalive.end()
        if asyncio.current_task(self._sender.loop_state.loop) is self.task:
            self._watch().notice()
        else:
            self._watch().start()
        self._inbox.end()

    def abort(self) -> None:
        """Abort TCP, on the loop's thread; unsent data is lost."""
        transport = self._sender.cork.transport
        if transport is not None:
            transport.abort()

    def lose(self) -> None:
        """Handle the end of TCP, with or without a Close before it."""
        self.farewell = None  # and what it holds
        self._sender.detach()
        self._end(Close(CloseCode.ABNORMAL_CLOSURE))
        self._stop_timer()
        self._sender.flush()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    async def wait(self) -> None:
        """Wait until the connection has ended and its socket is closed."""
        if self._sender.detached:
            return
        if self._lost is None:
            self._lost = self._sender.loop_state.loop.create_future()
        await asyncio.shield(self._lost)

    def _limit_answer(self) -> None:
        if not self._sender.detached:
            self._start_timer(self._settings.close_timeout, self.abort)

    def _start_timer(self, seconds: float, callback: Callable[..., object], *args: Any) -> None:
        if self._timer is None:
            loop = self._sender.loop_state.loop
            self._timer = loop.call_later(seconds, callback, *args)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # The handler

    @property
    def handler_done(self) -> bool:
        """True when there is no handler that could use the connection."""
        return self.task is None or self.task.done()

    def cancel_when_over(self, task: asyncio.Task[None]) -> None:
        """Cancel ``task`` if it does not notice the end of the connection within HANDLER_TIMEOUT.

        A later call starts HANDLER_TIMEOUT again.
        """
        if self.task is not task:
            self.task = task
            if self._watchdog is not None:  # it watches another task, or none
                self._watchdog.stop()
                self._watchdog = None
        if self._sender.closed:
            self.restart()

    def restart(self) -> None:
        """Start HANDLER_TIMEOUT again, since the handler does something useful after the end."""
        self._watch().start()

    def notice(self) -> None:
        """Remember that the handler knows of the end."""
        self._watch().notice()

    async def pace(self) -> None:
        """Yield to other tasks when the handler knows of the end, since it may retry in a loop."""
        if self._watchdog is not None and self._watchdog.noticed:
            await self._watchdog.pace()

    def _watch(self) -> Watchdog:
        """Return the watch over the handler, since the connection has ended."""
        if self._watchdog is None:
            timeout = self._settings.handler_timeout
            self._watchdog = Watchdog(self.task, timeout, self.handlers)
        return self._watchdog
