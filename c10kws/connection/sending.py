"""``Sender``: the frames that a connection sends, in call order, one write for each turn.

Facts:

* The loop's thread owns the connection. What other threads send waits in the outbox, in call
  order, until the loop's next turn; so does what stands behind a message sent in fragments.
* Frames are corked: one write for each wake-up of the socket, or each turn of the loop.
* While the client reads slowly, that is while the transport has unsent bytes, messages wait in the
  outbox too. What is queued there is bounded: past MAX_QUEUE_BYTES the connection is closed.
* Of the Pings that come meanwhile only the latest is answered (RFC 6455 §5.5.3).
"""

from __future__ import annotations

import asyncio
import time
from threading import get_ident
from typing import TYPE_CHECKING, cast

from ..conf import Settings
from ..exceptions import ConnectionClosed
from ..protocol.closing import Close
from ..protocol.messages import Message
from ..protocol.server import ServerProtocol
from . import outbox
from .fragmented import send_parts
from .outbox import Broadcast, Item, Outbox, Overflow, Parts, Ping
from .pings import Pings
from .writing import LEAST_PROMPT_QUEUE, Writer

if TYPE_CHECKING:
    from .websocket import WebSocket


class Sender(Writer):
    """The sending half of a connection; :class:`~c10kws.connection.driver.Driver` receives.

    ``_prompt`` is True when a plain message may go into the cork directly: nothing is queued
    before it and the client keeps up. It makes a write cheap; everything that could change it
    calls :meth:`_set_prompt`.
    """

    __slots__ = (
        "__weakref__",
        "_judging",
        "_outbox",
        "_pings",
        "_protocol",
        "_reading_paused",
        "_streaming",
        "dropped",
        "sent",
    )

    def __init__(self, settings: Settings, protocol: ServerProtocol) -> None:
        super().__init__(settings)
        self.sent = self.dropped = 0
        self._protocol = protocol
        self._reading_paused = False
        self._outbox: Outbox | None = None
        self._streaming: asyncio.Task[None] | None = None
        self._pings: Pings | None = None
        self._judging = False

    # Sending

    def _post(self, item: Item) -> int:
        """Send an item after all items before it; from any thread. Return its ticket or 0."""
        on_loop = get_ident() == self._shared.thread
        if on_loop and self._may_send:
            self._send(item)
            return 0
        ticket = self.put(item, patient=on_loop)
        if on_loop:
            self.flush_outbox()
            self._check_queues()
        elif not self._shared.loop.is_closed():
            self._shared.loop.call_soon_threadsafe(self.flush_from_thread)
        return ticket or 0

    def put(self, item: Item, *, patient: bool = False) -> int | None:
        """Queue an item in the outbox, from any thread; ``flush_outbox`` must follow.

        Return its ticket, None when it found no room. A broadcast that finds none is left out where
        SLOW_CLIENT says so; anything else becomes the news that the client is too slow.
        """
        with outbox.lock:
            if self._outbox is None:
                self._outbox = Outbox(self._settings.max_queue_bytes)
            ticket = self._outbox.put(item, patient=patient)
            if ticket is None:
                if isinstance(item, Broadcast) and self._settings.slow_client == "drop":
                    self.dropped += 1
                    return None
                self._outbox.put(Overflow())
            self._prompt = False
            self._shared.slow.add(self)
            return ticket

    def _check_queues(self) -> None:
        """Enforce both limits after a write of the loop's thread has been queued.

        A task that awaits its write does so in this turn, ``asyncio.wait_for`` in the next.
        """
        if self._outbox is not None and self._outbox.full and not self._judging:
            self._judging = True
            loop = self._shared.loop
            loop.call_soon(loop.call_soon, self._judge, self._outbox.last)
        self._relieve()

    def _judge(self, ticket: int) -> None:
        """Close the connection if messages up to a ticket that no task awaits exceed the limit."""
        self._judging = False
        if self._outbox is not None and self._outbox.overfull(ticket):
            self._drop_slow_client(0)  # and what is queued with it
        else:
            self._check_queues()

    @property
    def queued(self) -> int:
        """Bytes that wait for the client to read, without those in the kernel."""
        if self._transport is None:  # nothing waits for the client yet
            return 0
        return self._unsent() + (0 if self._outbox is None else self._outbox.size)

    @property
    def _may_send(self) -> bool:
        """True when a message can be sent now: nothing is queued and the client keeps up."""
        return self._ended or (
            self._transport is not None
            and not self._outbox
            and self._streaming is None
            and self._drained is None
        )

    def flush_outbox(self) -> None:
        """Send queued items while the client keeps up; behind a stream only Pings.

        A Close that waits, and the end of the connection, send all without waiting.
        """
        while self._outbox:
            if self._transport is None and not self._ended:
                return  # connection_made comes in one of the loop's next turns
            if self._drained is not None and not (self.closed or self._outbox.urgent):
                break  # resume_writing comes
            item = self._outbox.get(control=self._streaming is not None and not self.closed)
            if item is None:
                break
            self._send(item)
        self._set_prompt()

    def flush_from_thread(self) -> None:
        """Send items queued by another thread, and enforce MAX_TOTAL_QUEUE_BYTES."""
        self.flush_outbox()
        self._relieve()

    def _set_prompt(self) -> None:
        with outbox.lock:
            self._prompt = (
                self._transport is not None
                and not self.closed
                and not self._outbox
                and self._streaming is None
                and self._drained is None
                and not self._reading_paused
                and self._protocol.plain
                and self._settings.max_queue_bytes >= LEAST_PROMPT_QUEUE
            )
            if not self._outbox and not self._in_flight:
                self._shared.slow.discard(self)

    def _send(self, item: Item) -> None:
        match item:
            case str() | bytes():
                self._send_message(item)
            case Broadcast():
                item.failed += not self._send_broadcast(item)
            case Ping():
                self._send_ping(item.answered)
            case Close():
                self.send_close(item.code, item.reason)
            case Parts():
                self._send_parts(item)
            case Overflow():
                self._drop_slow_client(item.count)

    def _send_message(self, message: Message) -> None:
        if self.closed:
            self.dropped += 1
        else:
            self.sent += 1
            self._push(self._protocol.send_message(message))

    def take_broadcast(self, item: Broadcast) -> bool:
        """Send a broadcast, on the loop's thread; return whether it was, or will be, sent."""
        if self._prompt and not self._cork:
            assert self._transport is not None
            self.sent += 1
            self._transport.write(item.frame)
            return True
        if self._may_send or self.closed:
            return self._send_broadcast(item)
        taken = self.put(item) is not None
        self.flush_outbox()
        self._relieve()
        return taken

    def _send_broadcast(self, item: Broadcast) -> bool:
        if self.closed:
            self.dropped += 1
            return False
        self.sent += 1
        if not self._protocol.plain:
            self._push(self._protocol.send_message(item.message))
            return True
        before, self._shared.in_hand = self._shared.in_hand, item
        self._push(item.frame)
        self._shared.in_hand = before
        return True

    def _send_parts(self, item: Parts) -> None:
        if self.closed:
            self.dropped += 1
            item.sent.set_exception(self.connection_closed())
            item.sent.exception()  # it may be ignored, as any write's
            return
        self._prompt = False
        self._streaming = self._shared.loop.create_task(send_parts(self, item))
        self._streaming.add_done_callback(lambda _: self._end_stream(item))

    def _end_stream(self, item: Parts) -> None:
        if not item.sent.done():  # it was cancelled before its first step
            item.sent.set_exception(self.connection_closed())
            item.sent.exception()
        self._streaming = None
        self.flush_outbox()

    def send_fragment(self, part: Message, *, final: bool) -> None:
        """Send a frame of the message under way; for :mod:`~c10kws.connection.fragmented`."""
        self.sent += final
        self._writes += 1
        self._push(self._protocol.send_fragment(part, final=final))

    def _send_ping(self, answered: asyncio.Future[float] | None = None) -> None:
        if self.closed:
            if answered is not None and not answered.done():
                answered.set_exception(self.connection_closed())
                answered.exception()
            return
        self._pings = self._pings or Pings()
        self._push(self._protocol.send_ping(self._pings.begin(time.monotonic(), answered)))

    def _drop_slow_client(self, dropped: int = 1) -> None:
        self.dropped += dropped
        if not self.closed:
            self._shared.slow.log(
                "Closing slow client: more than %d bytes queued.", self._settings.max_queue_bytes
            )
        self.send_close(1013, "too slow")

    def give_up(self) -> None:
        """Close with 1013; abort TCP if much data is unsent, since the Close would wait for it."""
        self.send_close(1013, "too slow")
        if self._in_flight and self._transport is not None:
            self._count_in_flight(0)
            self._transport.abort()

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; on the loop's thread. The Close flushes what is corked."""
        if self.closed:
            return
        self._send_pong()
        self._push(self._protocol.send_close(code, reason))
        self._flush()
        self.end(code, reason)

    def end(self, code: int, reason: str) -> None:
        """Remember how the connection ended; the first call counts. Drop queued items."""
        if self.closed:
            return
        self.close_code, self.close_reason = code, reason
        self._prompt = False
        self._pong = None
        if self._streaming is not None:
            self._streaming.cancel()
        if self._pings is not None:
            self._pings.fail(ConnectionClosed(code, reason, cast("WebSocket", self)))
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
        self.flush_outbox()
        self._recount_in_flight()

    async def written(self, ticket: int = 0) -> None:
        """Wait until the message of a ticket has been sent and most of what is unsent has left."""
        if ticket and self._outbox is not None:
            await self._outbox.wait(ticket)
        await self.drain()

    def pause_writing(self) -> None:
        """Queue messages in the outbox from now on: the transport is above its high-water mark."""
        super().pause_writing()
        with outbox.lock:
            self._shared.slow.add(self)

    def resume_writing(self) -> None:
        """Send queued messages: the transport is below its low-water mark."""
        super().resume_writing()
        self.flush_outbox()
