"""``Driver``: between a transport of asyncio and the frames; the lower half of a ``WebSocket``.

Facts:

* Received messages wait in the inbox, the newest first, so that the oldest is popped from its
  end. When the inbox is over its bound, reading pauses, and TCP holds the client back.
* The first Close frame, in either direction, says how the connection ended.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import cast

from ..conf import Settings
from ..hijack import Stream
from ..protocol.closing import CloseCode, State
from ..protocol.messages import Message, size_of
from ..protocol.received import Ended, PingReceived, PongReceived
from ..protocol.server import ServerProtocol
from .ending import Ending
from .keepalive import Keepalive
from .waiter import Waiter
from .writing import HIGH_WATER

#: Messages that wait to be read: a second limit next to the bytes, since an empty message weighs
#: nothing on the wire and 50 bytes here.
MAX_INBOX = 1024
#: A read of so many bytes that held few messages is followed by a wider one.
LONG_READ = 32 * 1024
FEW = 64
#: Held messages that one connection reads before other connections get their turn: wsproto needs
#: 40 µs for each.
MAX_TURN = 256


class Driver(Ending):
    """The receiving half of a connection, and its Pings.

    The methods named after asyncio's (``connection_made`` …) are called by the loop.
    """

    __slots__ = (
        "_heard",
        "_inbox",
        "_lost",
        "_since_ping",
        "_turn_due",
        "_unanswered",
        "_unsent_before",
        "_waiter",
        "_wide",
        "farewell",
        "received",
    )

    def __init__(self, stream: Stream, settings: Settings, protocol: ServerProtocol) -> None:
        super().__init__(settings, protocol)
        self.received = 0
        #: Called with code and reason before our first ``close``, to send a last message.
        self.farewell: Callable[[int, str], object] | None = None
        self._inbox: list[Message] = []
        self._wide = False
        self._waiter = Waiter(self._shared.loop)
        self._lost: asyncio.Future[None] | None = None
        self._turn_due = False  # whether the loop is asked for a turn, for what is held
        self._heard = False
        self._since_ping = 0
        self._unanswered = -1  # visits since a Ping without a byte from the peer; -1 is no Ping
        self._unsent_before = 0
        stream.attach(lambda: self)

    # Receiving

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the loop's one buffer: ``buffer_updated`` empties it before anybody else reads."""
        return self._shared.wide_view if self._wide else self._shared.view

    def buffer_updated(self, nbytes: int) -> None:
        """Handle received bytes: resume the handler, then write its answers at once."""
        protocol = self._protocol
        messages = protocol.receive_data(self._shared.wide_view[:nbytes].tobytes())
        self._heard = True
        if nbytes >= LONG_READ:
            self._wide = len(messages) < FEW
        self._inline = True
        try:
            self._receive(messages)
            if protocol.has_more:
                self._receive_held()
        finally:
            self._inline = False
        if self._cork:
            self._flush()
        if self._inbox:
            self._hold_back()

    def _receive(self, messages: list[Message]) -> None:
        if messages:
            self.received += len(messages)
            messages.reverse()
            self._inbox = messages + self._inbox if self._inbox else messages
        if self._protocol.events:
            self._handle_events()
        if messages:
            self._waiter.wake()

    def _receive_held(self) -> None:
        """Read held data while the handler has room for messages, in turns with other connections.

        A read of 256 KiB may inflate to a thousand times as much. What is left waits for another
        turn of the loop; nothing newer is read meanwhile.
        """
        protocol, size, count = self._protocol, 0, 0
        full = self._full
        while protocol.has_more and not full:
            messages = protocol.receive_data(b"")
            size += sum(map(size_of, messages))
            count += len(messages)
            self._receive(messages)
            if not messages or count >= MAX_TURN or size > self._settings.max_queue_bytes:
                break
            full = len(self._inbox) > MAX_INBOX
        if protocol.has_more:
            self._hold_back()
            if not (full or self._full):
                self._ask_for_a_turn()

    def _ask_for_a_turn(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            self._shared.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn_due = False
        self._inline = True
        try:
            self._receive_held()
        finally:
            self._inline = False
        if self._cork:
            self._flush()
        if self._inbox:
            self._hold_back()
        elif self._reading_paused and not self._protocol.has_more:
            self._resume_reading()
        if self.closed and not self._protocol.has_more:
            self._waiter.wake()  # what was held may have brought nothing more to read

    def _handle_events(self) -> None:
        for event in self._protocol.take_events():
            match event:
                case PingReceived():
                    self.answer_ping(event.pong)
                case PongReceived():
                    if self._pings is not None:
                        self._pings.answer(event.payload, time.monotonic())
                case Ended():
                    self._handle_end(event)

    def _handle_end(self, end: Ended) -> None:
        """Answer the peer's Close, or its fault, and end the connection."""
        if self._outbox:
            self._outbox.urgent = True  # what was written before is sent before
            self.flush_outbox()
        if end.answer and not self.closed:  # else a Close of ours, put by a thread, was in it
            self._send_pong()
            self._push(end.answer)
        self.end(end.close.code, end.close.reason)
        self._flush()
        self._end_tcp()
        if self._protocol.state is not State.CLOSED or self._unsent():
            self._start_timer()

    def _end_tcp(self) -> None:
        """RFC 6455 §7.1.1: the server closes TCP first, when the peer has the last Close.

        After a failure more may be on its way, and closing now would reset the connection before
        the peer has read why: our half is closed, and the peer's end or a timer ends the rest.
        """
        if self._transport is None:
            return
        if self._protocol.state is State.CLOSED:
            self._transport.close()
        elif self._transport.can_write_eof():
            with suppress(OSError):  # the peer has reset it already; asyncio's own would raise
                self._transport.write_eof()

    def _next(self) -> Awaitable[None]:
        """Return what a reader awaits when the inbox is empty."""
        if self._waiter.busy:
            raise RuntimeError("expected one read_message() at a time; another task is waiting")
        self._writes = 0
        if self._protocol.has_more:
            if not self._inline:  # else there is a turn already
                self._ask_for_a_turn()
        elif self._reading_paused:
            self._resume_reading()
        return self._waiter

    def _take(self) -> Message:
        """Return the oldest message, and handle the rare cases."""
        message = self._inbox.pop()
        if self._reading_paused and not self._inbox and not self._protocol.has_more:
            self._resume_reading()
        if self.closed:
            self._watch().start()
        return message

    def _hold_back(self) -> None:
        """Stop reading while the handler has more to read than it should."""
        full = self._protocol.has_more or self._full
        if full and not self._reading_paused and self._transport is not None and not self.closed:
            self._reading_paused = True
            self._prompt = False
            self._transport.pause_reading()

    @property
    def _full(self) -> bool:
        """True while the handler has more to read than it should."""
        inbox = self._inbox
        return bool(inbox) and (
            len(inbox) > MAX_INBOX or sum(map(size_of, inbox)) > self._settings.max_queue_bytes
        )

    def _resume_reading(self) -> None:
        self._reading_paused = False
        self._set_prompt()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    # Pings

    def keep_alive(self, ping_after: int, dead_after: int) -> None:
        """Handle a visit of the :class:`~c10kws.connection.keepalive.Keepalive`.

        The timeout runs only while we read, and not while what stands before the Ping is moving;
        any byte from the peer is life.
        """
        if self.closed:
            return
        unsent, before = self._unsent(), self._unsent_before
        self._unsent_before = unsent
        if self._heard:
            self._heard = False
            self._unanswered = -1
        elif self._unanswered >= 0 and not self._reading_paused and unsent >= before:
            self._unanswered += 1
            if dead_after and self._unanswered >= dead_after:
                self.send_close(1011, "ping timeout")
                return
        self._since_ping += 1
        if self._since_ping >= ping_after:
            self._since_ping = 0
            self._unanswered = max(self._unanswered, 0)
            if not (self._pings and self._pings.full):
                self._send_ping()

    # The end

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, which the peer has CLOSE_TIMEOUT to end."""
        super().send_close(code, reason)
        self._start_timer()
        if self._protocol.events:  # the peer's Close came before, behind what is not read yet
            self._handle_events()
        if self._reading_paused:  # the peer's Close is behind data that will not be read
            self._resume_reading()

    def end(self, code: int, reason: str) -> None:
        """Remember how the connection ended, and wake the handler."""
        if not self.closed:
            super().end(code, reason)
            self._waiter.wake()

    # The loop calls the rest of asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first call: what waits is sent."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if self._settings.max_queue_bytes < HIGH_WATER:
            # Pause awaited writes before one more message could exceed MAX_QUEUE_BYTES.
            self._transport.set_write_buffer_limits(high=self._settings.max_queue_bytes)
        if self._settings.ping_interval:
            self._keepalive(self._settings.ping_interval).add(self)
        self.resume_writing()
        self._flush()

    def resume_writing(self) -> None:
        """Resume sending. The client reads, so a Ping behind the data is not late."""
        super().resume_writing()
        self._unsent_before = sys.maxsize

    def eof_received(self) -> bool:
        """A half-closed connection is of no use: let the transport flush and close."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The last call."""
        self._transport = None
        self._ended = True
        self.farewell = None  # and what it holds
        self.end(CloseCode.ABNORMAL_CLOSURE, "")
        self._stop_timer()
        if self._settings.ping_interval:
            self._keepalive(self._settings.ping_interval).remove(self)
        self._cork.clear()
        self._count_in_flight(0)
        self.flush_outbox()
        self._set_prompt()
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)

    def _keepalive(self, interval: float) -> Keepalive:
        return self._shared.keepalive(interval, self._settings.ping_timeout)
