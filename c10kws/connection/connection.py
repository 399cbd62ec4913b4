"""``Connection``: between a transport of asyncio and a handler.

* The loop's thread owns it; only ``close``, ``sender.post`` and ``sender.put`` may be called from
  other threads.
* Received messages wait in the inbox. When it is full, or the protocol holds data that is not
  parsed yet, reading pauses, and TCP holds the client back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import cast

from ..conf import Settings
from ..hijack import Stream
from ..protocol.closing import CloseCode
from ..protocol.messages import Message
from ..protocol.received import Ended, PingReceived, PongReceived, RateExceeded
from ..protocol.server import ServerProtocol
from .ending import Ending
from .excess import refuse_excess
from .facts import Facts
from .handler_watch import HandlerWatch
from .inbox import EMPTY, Inbox
from .keepalive import Keepalive, Verdict
from .loop import LoopState
from .sender import Sender
from .total_queue import lock
from .turns import Turns

#: A read of so many bytes that held few messages is followed by a wider one.
LONG_READ = 32 * 1024
FEW = 64


class Connection(asyncio.BufferedProtocol):
    """One open WebSocket; a :class:`~c10kws.connection.websocket.WebSocket` is its public face.

    ``farewell`` is called with code and reason before our first ``close``, to send a last message;
    by :meth:`stop` also with ``retry_after``.
    """

    __slots__ = (
        "__weakref__",
        "_ending",
        "_turns",
        "_wide_reads",
        "facts",
        "farewell",
        "handler",
        "inbox",
        "keepalive",
        "opened",
        "sender",
    )

    def __init__(
        self, stream: Stream, loop_state: LoopState, settings: Settings, protocol: ServerProtocol
    ) -> None:
        self.opened = time.monotonic()
        self.sender = Sender(self, loop_state, settings, protocol)
        self.inbox = Inbox(loop_state.loop, self.sender.cork)
        self.keepalive = Keepalive()
        self.handler = HandlerWatch(self.sender)
        self.facts: Facts | None = None
        self.farewell: Callable[..., object] | None = None
        self._ending: Ending | None = None
        self._turns: Turns | None = None
        self._wide_reads = False
        stream.attach(lambda: self)

    @property
    def loop_state(self) -> LoopState:
        """State shared with the other connections of the loop."""
        return self.sender.loop_state

    # Receiving

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the loop's one buffer: ``buffer_updated`` empties it before the next read."""
        loop_state = self.sender.loop_state
        return loop_state.wide_buffer if self._wide_reads else loop_state.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Handle received bytes: resume the handler, then write its answers at once."""
        sender, inbox = self.sender, self.inbox
        protocol, cork = sender.protocol, sender.cork
        received = sender.loop_state.wide_buffer[:nbytes]
        if nbytes < LONG_READ:
            messages = protocol.receive_data(received.tobytes())
        else:
            messages = self._receive_long(received)
        self.keepalive.heard = True
        cork.flush_follows = True
        try:
            if messages and protocol.events is None:  # the hot path, without the call of receive
                inbox.put(messages)
                inbox.waiter.wake()
            else:
                self.receive(messages)
            if protocol.has_more:
                self.turns.begin()
        finally:
            cork.flush_follows = False
        if cork.frames:
            cork.flush()
        if inbox.messages:
            inbox.hold_back(has_more=protocol.has_more)

    def _receive_long(self, received: memoryview[int]) -> list[Message]:
        """Return the messages of a long read, without a copy of it if they are few and long."""
        protocol = self.sender.protocol
        if self._wide_reads:
            messages = protocol.receive_long(received)
        else:
            messages = protocol.receive_data(received.tobytes())
        self._wide_reads = len(messages) < FEW
        return messages

    def receive(self, messages: list[Message]) -> None:
        """Handle messages, and events of the protocol."""
        inbox = self.inbox
        if messages:
            inbox.put(messages)
        if self.sender.protocol.events:
            self._handle_events()
        if messages:
            inbox.waiter.wake()

    @property
    def turns(self) -> Turns:
        """Reading of what the protocol holds."""
        if self._turns is None:
            self._turns = Turns(self)
        return self._turns

    def _handle_events(self) -> None:
        for event in self.sender.protocol.take_events():
            match event:
                case PingReceived():
                    self.sender.cork.push_pong(event.pong)
                case PongReceived():
                    self.keepalive.answer(event.payload, time.monotonic())
                case Ended():
                    self.ending.handle(event)
                case RateExceeded():
                    refuse_excess(self, event)

    # Reading

    @property
    def exhausted(self) -> bool:
        """True when no message will come after those in the inbox."""
        return self.sender.closed and not self.sender.protocol.has_more

    def next_message(self) -> Awaitable[None]:
        """Return what a reader awaits when the inbox is empty."""
        inbox, sender = self.inbox, self.sender
        waiter, cork = inbox.waiter, sender.cork
        if waiter.busy:
            raise RuntimeError("read_message() is already waiting in another task; read in one.")
        cork.writes = 0
        inbox.messages = EMPTY  # frees the list of those that were read
        if sender.protocol.has_more:
            if not cork.flush_follows:  # else there is a turn already
                self.turns.ask()
        elif inbox.paused:
            inbox.resume()
        return waiter

    def take(self) -> Message:
        """Return the oldest message of an ``observed`` inbox."""
        message = self.inbox.take(last=not self.sender.protocol.has_more)
        if self.closed:
            self.handler.restart()
        return message

    # Pings

    def send_ping(self, answered: asyncio.Future[float | None] | None = None) -> None:
        """Send a Ping now."""
        payload = self.keepalive.begin(time.monotonic(), answered)
        self.sender.cork.push(self.sender.protocol.send_ping(payload))

    def keep_alive(self, ping_after: int, dead_after: int) -> None:
        """Handle a visit of the :class:`~c10kws.connection.keepalive_timer.KeepaliveTimer`."""
        if self.closed:
            return
        unsent, reads = self.sender.cork.unsent, not self.inbox.paused
        verdict = self.keepalive.visit(ping_after, dead_after, unsent=unsent, reads=reads)
        if verdict is Verdict.DEAD:
            self.send_close(CloseCode.INTERNAL_ERROR, "ping timeout")
        elif verdict is Verdict.PING:
            self.send_ping()

    # The end

    @property
    def closed(self) -> bool:
        """True when nothing can be sent: after a Close from either side, or a lost connection."""
        return self.sender.closed_with is not None

    @property
    def ending(self) -> Ending:
        """The closing handshake."""
        with lock:  # close() may be called by several threads
            if self._ending is None:
                self._ending = Ending(self)
            return self._ending

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake after what is queued; from any thread."""
        farewell, self.farewell = self.farewell, None
        if not self.closed:
            if farewell is not None:
                farewell(code, reason)
            self.ending.close(code, reason)

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake now, not after what is queued."""
        if self.closed:
            return
        self.ending.send_close(code, reason)
        if self.sender.protocol.events:  # the peer's Close came after data that is not read yet
            self._handle_events()
        if self.inbox.paused:  # the peer's Close comes after data that will not be read
            self.inbox.resume()

    def stop(self, code: int, retry_after: float) -> None:
        """Close because the server stops; send at once a Close that is already waiting.

        The client may reconnect after ``retry_after`` seconds.
        """
        waits = self._ending is not None and self._ending.waits
        if self.farewell is not None:
            self.farewell = partial(self.farewell, retry_after=retry_after)
        self.close(code)
        if waits:
            self.ending.cut_stream(code, "")

    def abort(self) -> None:
        """Abort TCP, on the loop's thread; unsent data is lost."""
        self.sender.cork.abort()

    async def wait_closed(self) -> None:
        """Wait until the connection has ended and its socket is closed."""
        if not self.sender.detached:
            await self.ending.wait()

    # The handler

    def fail(self) -> None:
        """Close with 1011 because the handler failed; do not wait for a message in fragments."""
        if not self.closed:
            self.close(CloseCode.INTERNAL_ERROR, "internal error")
            self.ending.cut_stream(CloseCode.INTERNAL_ERROR, "internal error")

    @property
    def waiting(self) -> bool:
        """True while the handler is idle: waiting for a message, or finished."""
        return self.inbox.waiter.busy or self.handler.over

    # The loop calls the rest of asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what waits: the first call."""
        self.sender.cork.connect(cast(asyncio.Transport, transport))  # uvloop's is no subclass
        timer = self.loop_state.keepalive_timer(self.sender.settings)
        if timer is not None:
            timer.add(self)
        self.resume_writing()
        self.sender.cork.flush()

    def pause_writing(self) -> None:
        """Queue messages: the transport is above its high-water mark."""
        self.sender.pause()

    def resume_writing(self) -> None:
        """Resume sending. The client reads, so a Ping after the data is not late."""
        self.sender.resume()
        self.keepalive.progressed()

    def eof_received(self) -> bool:
        """Return False, so that the transport flushes what is unsent and closes."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the last call."""
        self.farewell = None  # and what it holds
        transport = self.sender.cork.transport
        self.ending.lose()
        if self.facts is not None and transport is not None:
            self.facts.lost(transport)
        self._ending = self._turns = None  # they refer to us
        timer = self.loop_state.keepalive_timer(self.sender.settings)
        if timer is not None:
            timer.remove(self)
