"""``Connection``: between a transport of asyncio and a handler.

* The loop's thread owns it; only ``sender.post``, ``sender.put`` and ``ending.close`` may be called
  from other threads.
* Received messages wait in the inbox. When it is full, or the protocol holds data that is not
  parsed yet, reading pauses, and TCP holds the client back.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, cast

from ..conf import Settings
from ..hijack import Stream
from ..protocol.closing import CloseCode
from ..protocol.messages import Message, size_of
from ..protocol.received import Ended, PingReceived, PongReceived
from ..protocol.server import ServerProtocol
from .ending import Ending
from .inbox import MAX_INBOX, Inbox
from .keepalive import Keepalive, Verdict
from .keepalive_timer import KeepaliveTimer
from .loop import LoopState
from .sender import Sender
from .watchdog import current

#: A read of so many bytes that held few messages is followed by a wider one.
LONG_READ = 32 * 1024
FEW = 64
#: Held messages that one connection reads before other connections get their turn: wsproto needs
#: 40 µs for each.
MAX_TURN = 256
#: From so many unsent bytes on a transport pauses its writers by itself.
HIGH_WATER = 64 * 1024


class Connection(asyncio.BufferedProtocol):
    """One open WebSocket; a :class:`~c10kws.connection.websocket.WebSocket` is its public face.

    It owns its parts, which know nothing of it but what they are given. The methods named after
    asyncio's (``connection_made`` …) are called by the loop.
    """

    __slots__ = (
        "__weakref__",
        "_settings",
        "_turn_due",
        "_wide_reads",
        "ending",
        "inbox",
        "keepalive",
        "loop_state",
        "opened",
        "protocol",
        "sender",
    )

    def __init__(
        self, stream: Stream, loop_state: LoopState, settings: Settings, protocol: ServerProtocol
    ) -> None:
        self.protocol = protocol
        self._settings = settings
        self.loop_state = loop_state
        self.opened = time.monotonic()
        self.sender = Sender(self, loop_state, settings, protocol)
        loop, cork = loop_state.loop, self.sender.cork
        self.inbox = Inbox(loop, protocol, cork, settings.max_queue_bytes)
        self.keepalive = Keepalive()
        self.ending = Ending(settings, protocol, self.sender, self.inbox, self.keepalive)
        self._turn_due = False  # the loop is asked for a turn, for what the protocol holds
        self._wide_reads = False
        stream.attach(lambda: self)

    # Receiving

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the loop's one buffer: ``buffer_updated`` empties it before anybody else reads."""
        return self.loop_state.wide_buffer if self._wide_reads else self.loop_state.buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Handle received bytes: resume the handler, then write its answers at once."""
        protocol, cork, inbox = self.protocol, self.sender.cork, self.inbox
        messages = protocol.receive_data(self.loop_state.wide_buffer[:nbytes].tobytes())
        self.keepalive.heard = True
        if nbytes >= LONG_READ:
            self._wide_reads = len(messages) < FEW
        cork.flush_follows = True
        try:
            self._receive(messages)
            if protocol.has_more:
                self._receive_more()
        finally:
            cork.flush_follows = False
        if cork.frames:
            cork.flush()
        if inbox.messages:
            inbox.hold_back()

    def _receive(self, messages: list[Message]) -> None:
        if messages:
            self.inbox.put(messages)
        if self.protocol.events:
            self._handle_events()
        if messages:
            self.inbox.wake()

    def _receive_more(self) -> None:
        """Read what the protocol holds while the handler has room, in turns with other connections.

        A read of 256 KiB may inflate to a thousand times as much. What is left waits for another
        turn of the loop; nothing newer is read meanwhile.
        """
        protocol, inbox, size, count = self.protocol, self.inbox, 0, 0
        full = inbox.full
        while protocol.has_more and not full:
            messages = protocol.receive_data(b"")
            size += sum(map(size_of, messages))
            count += len(messages)
            self._receive(messages)
            if not messages or count >= MAX_TURN or size > self._settings.max_queue_bytes:
                break
            full = len(inbox.messages) > MAX_INBOX
        if protocol.has_more:
            inbox.hold_back()
            if not (full or inbox.full):
                self._ask_for_turn()

    def _ask_for_turn(self) -> None:
        if not self._turn_due:
            self._turn_due = True
            self.loop_state.loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        cork, inbox = self.sender.cork, self.inbox
        self._turn_due = False
        cork.flush_follows = True
        try:
            self._receive_more()
        finally:
            cork.flush_follows = False
        cork.flush()
        if inbox.messages:
            inbox.hold_back()
        elif inbox.paused and not self.protocol.has_more:
            inbox.resume()
        if self.exhausted:
            inbox.wake()  # what was held may have brought nothing more to read

    def _handle_events(self) -> None:
        for event in self.protocol.take_events():
            match event:
                case PingReceived():
                    self.sender.cork.push_pong(event.pong)
                case PongReceived():
                    self.keepalive.answer(event.payload, time.monotonic())
                case Ended():
                    self.ending.handle(event)

    # Reading

    @property
    def exhausted(self) -> bool:
        """True when no message will come after those in the inbox."""
        return self.closed and not self.protocol.has_more

    def next_message(self) -> Awaitable[None]:
        """Return what a reader awaits when the inbox is empty."""
        if self.inbox.has_reader:
            raise RuntimeError("expected one read_message() at a time; another task is waiting")
        cork = self.sender.cork
        cork.writes = 0
        if self.protocol.has_more:
            if not cork.flush_follows:  # else there is a turn already
                self._ask_for_turn()
        elif self.inbox.paused:
            self.inbox.resume()
        return self.inbox.wait()

    def take(self) -> Message:
        """Return the oldest message of an ``observed`` inbox."""
        message = self.inbox.take()
        if self.closed:
            self.ending.restart()
        return message

    # Pings

    def send_ping(self, answered: asyncio.Future[float | None] | None = None) -> None:
        """Send a Ping now."""
        payload = self.keepalive.begin(time.monotonic(), answered)
        self.sender.cork.push(self.protocol.send_ping(payload))

    def keep_alive(self, ping_after: int, dead_after: int) -> None:
        """Handle a visit of the :class:`~c10kws.connection.keepalive_timer.KeepaliveTimer`."""
        if self.closed:
            return
        verdict = self.keepalive.visit(
            ping_after,
            dead_after,
            unsent=self.sender.cork.unsent,
            reads=not self.inbox.paused,
        )
        if verdict is Verdict.DEAD:
            self.send_close(CloseCode.INTERNAL_ERROR, "ping timeout")
        elif verdict is Verdict.PING:
            self.send_ping()

    # The end

    @property
    def closed(self) -> bool:
        """True when nothing can be sent: after a Close from either side, or a lost connection."""
        return self.sender.closed_with is not None

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake now, not behind what is queued."""
        if self.closed:
            return
        self.ending.send_close(code, reason)
        if self.protocol.events:  # the peer's Close came before, behind what is not read yet
            self._handle_events()
        if self.inbox.paused:  # the peer's Close is behind data that will not be read
            self.inbox.resume()

    def stop(self, code: int) -> None:
        """Close because the server stops."""
        self.ending.stop(code)

    def abort(self) -> None:
        """Abort TCP; unsent data is lost."""
        self.ending.abort()

    # The handler

    @property
    def waiting(self) -> bool:
        """True while the handler is idle: waiting for a message, or finished."""
        return self.inbox.has_reader or self.ending.handler_done

    def is_own(self, task: asyncio.Task[Any] | None) -> bool:
        """Return True for the handler's task, and for one that it has started."""
        return task is not None and (task is self.ending.task or current.get() is self)

    def notice_end(self) -> None:
        """Remember that the handler knows of the end, if the current task is its own.

        A stream's task, and tasks of other handlers that write to this connection, do not count.
        """
        task = asyncio.current_task(self.loop_state.loop)
        if self.closed and task is not self.sender.stream_task and self.is_own(task):
            self.ending.notice()

    # The loop calls the rest of asyncio.BufferedProtocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what waits: the first call."""
        cork, settings = self.sender.cork, self._settings
        cork.transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if settings.max_queue_bytes < HIGH_WATER:
            # Pause awaited writes before one more message could exceed MAX_QUEUE_BYTES.
            cork.transport.set_write_buffer_limits(high=settings.max_queue_bytes)
        if settings.ping_interval:
            self._timer(settings.ping_interval).add(self)
        self.resume_writing()
        cork.flush()

    def pause_writing(self) -> None:
        """Queue messages: the transport is above its high-water mark."""
        self.sender.pause()

    def resume_writing(self) -> None:
        """Resume sending. The client reads, so a Ping behind the data is not late."""
        self.sender.resume()
        self.keepalive.progressed()

    def eof_received(self) -> bool:
        """Let the transport flush and close: a half-closed connection is of no use."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End: the last call."""
        self.ending.lose()
        if self._settings.ping_interval:
            self._timer(self._settings.ping_interval).remove(self)

    def _timer(self, interval: float) -> KeepaliveTimer:
        return self.loop_state.keepalive_timer(interval, self._settings.ping_timeout)
