"""``Sender``: what a connection sends, in call order.

* The loop's thread owns the connection. Items of other threads wait in the outbox, in call order,
  until the loop's next turn; so do items after a message that is sent in fragments.
* While the client reads slowly, messages wait there too. It is bounded by MAX_QUEUE_BYTES.
* A Close in the outbox, and the end of the connection, send everything without waiting.
"""

from __future__ import annotations

import asyncio
from threading import get_ident
from typing import Protocol

from ..conf import Settings
from ..protocol.closing import Close, CloseCode
from ..protocol.messages import Message
from ..protocol.server import ServerProtocol
from .cork import LEAST_PROMPT_QUEUE, Cork
from .facts import Described, describe
from .fragmented import MessageStream
from .items import FragmentedMessage, Item, Overflow, Ping, SharedMessage
from .loop import LoopState
from .outbox import Outbox
from .total_queue import lock


class Owner(Described, Protocol):
    """The connection that a sender belongs to: it sends control frames."""

    def send_close(self, code: int, reason: str) -> None: ...

    def send_ping(self, answered: asyncio.Future[float | None]) -> None: ...


class Sender:
    """The sending half of a connection.

    ``prompt`` is True when a plain message may go into the cork directly: nothing is queued before
    it and the client keeps up. It makes a write cheap; everything that could change it calls
    :meth:`_update_prompt`. ``closed_with`` is the first Close of either side, once nothing can be
    sent. ``stream`` is the message in fragments that is being sent.
    """

    __slots__ = (
        "_flush_due",
        "_outbox",
        "_owner",
        "closed_with",
        "cork",
        "dropped",
        "loop_state",
        "prompt",
        "protocol",
        "sent",
        "settings",
        "stream",
    )

    def __init__(
        self, owner: Owner, loop_state: LoopState, settings: Settings, protocol: ServerProtocol
    ) -> None:
        self._owner: Owner | None = owner  # None after the end: the two keep each other alive
        self.settings = settings
        self.protocol = protocol
        self.loop_state = loop_state
        self.cork = Cork(loop_state.loop, settings.max_queue_bytes)
        self.closed_with: Close | None = None
        self.sent = self.dropped = 0
        self.prompt = self._flush_due = False
        self._outbox: Outbox | None = None
        self.stream: MessageStream | None = None

    @property
    def closed(self) -> bool:
        """True when nothing can be sent: after a Close from either side, or a lost connection."""
        return self.closed_with is not None

    def post(self, item: Item) -> int:
        """Send an item after all items before it; from any thread. Return its ticket or 0."""
        on_loop = get_ident() == self.loop_state.thread
        if on_loop and self.may_send:
            self._send(item)
            return 0
        ticket, loop = self.put(item, patient=on_loop), self.loop_state.loop
        if on_loop:
            self.flush_and_relieve()
            if self._outbox is not None:
                self._outbox.check(loop, self._close_slow_client)
        elif not (self._flush_due or loop.is_closed()):
            self._flush_due = True
            loop.call_soon_threadsafe(self.flush_and_relieve)
        return ticket or 0

    def put(self, item: Item, *, patient: bool = False) -> int | None:
        """Queue an item in the outbox, from any thread; ``flush`` must follow.

        Return its ticket, None when there was no room. Without room a broadcast is skipped if
        SLOW_CLIENT is "drop"; any other item becomes an Overflow.
        """
        with lock:
            if self._outbox is None:
                self._outbox = Outbox(self.settings.max_queue_bytes)
            ticket = self._outbox.put(item, patient=patient)
            if ticket is None:
                if isinstance(item, SharedMessage) and self.settings.slow_client == "drop":
                    self.dropped += 1
                    return None
                self._outbox.put(Overflow())
            self.prompt = False
            self.loop_state.slow_clients.add(self)
            return ticket

    @property
    def may_send(self) -> bool:
        """True when a message can be sent now: nothing is queued and the client keeps up."""
        return self._owner is None or (
            self.cork.transport is not None
            and not self._outbox
            and self.stream is None
            and self.cork.pause is None
        )

    def flush(self) -> None:
        """Send queued items while the client keeps up; during a stream only Pings."""
        outbox = self._outbox
        while outbox:
            if self.cork.transport is None and self._owner is not None:
                return  # connection_made comes in one of the loop's next turns
            if self.cork.pause is not None and not (self.closed or outbox.ignores_backpressure):
                break  # resume_writing comes
            item = outbox.get(control=self.stream is not None and not self.closed)
            if item is None:
                break
            self._send(item)
        self._update_prompt()

    def flush_and_relieve(self) -> None:
        """Send queued items while the client keeps up, and enforce MAX_TOTAL_QUEUE_BYTES."""
        self._flush_due = False  # first: this flush may miss an item that comes from now on
        self.flush()
        self._relieve()

    def flush_within(self, seconds: float) -> asyncio.TimerHandle:
        """Flush after some seconds. Until then threads do not wake the loop for each item."""
        self._flush_due = True
        return self.loop_state.loop.call_later(seconds, self.flush_and_relieve)

    def flush_without_waiting(self) -> None:
        """Send everything that is queued, without waiting for the client."""
        if self._outbox:
            self._outbox.ignores_backpressure = True
            self.flush()

    def _update_prompt(self) -> None:
        pause = self.cork.pause
        with lock:
            self.prompt = (
                self._owner is not None
                and self.may_send
                and not self.closed
                and self.protocol.sends_plain_frames
                and self.settings.max_queue_bytes >= LEAST_PROMPT_QUEUE
            )
            if not self._outbox and (pause is None or not pause.in_flight):
                self.loop_state.slow_clients.discard(self)

    def _send(self, item: Item) -> None:
        match item:
            case str() | bytes():
                self._send_message(item)
            case SharedMessage():
                item.failed += not self.send_shared(item)
            case Ping():
                self._send_ping(item)
            case Close():
                self.close(item.code, item.reason)
            case FragmentedMessage():
                self._send_fragmented(item)
            case Overflow():
                self.dropped += item.count
                self._close_slow_client()

    # Messages

    def _send_message(self, message: Message) -> None:
        if self.closed:
            self.dropped += 1
        else:
            self.sent += 1
            self.cork.push(self.protocol.send_message(message))

    def send_shared(self, item: SharedMessage) -> bool:
        """Send a broadcast now; return False after the end."""
        if self.closed:
            self.dropped += 1
            return False
        self.sent += 1
        if not self.protocol.sends_plain_frames:
            self.cork.push(self.protocol.send_message(item.message))
            return True
        before, self.loop_state.broadcast = self.loop_state.broadcast, item
        self.cork.push(item.frame)
        self.loop_state.broadcast = before
        return True

    def _send_ping(self, ping: Ping) -> None:
        if self._owner is None or self.closed:
            ping.miss()
        else:
            self._owner.send_ping(ping.answered)

    def _send_fragmented(self, item: FragmentedMessage) -> None:
        if self.closed:
            self.dropped += 1
            item.settle(False)
        else:
            self.prompt = False
            self.stream = MessageStream(self.loop_state.loop, self, item)

    def end_stream(self) -> None:
        """Send what waits for the end of the message."""
        self.stream = None
        self.flush()

    # Clients that read slowly

    async def written(self, ticket: int = 0) -> bool:
        """Wait until the message of a ticket is sent, and while the client reads slowly.

        Return False when the connection has ended.
        """
        if ticket and self._outbox is not None:
            await self._outbox.wait(ticket)
        if not self.closed:
            await self.cork.drain()
        return not self.closed

    def pause(self) -> None:
        """Queue messages in the outbox from now on: the transport is above its high-water mark."""
        self.prompt = False
        if self.cork.pause is None:
            self.cork.begin_pause(self.loop_state.broadcast)
            self.loop_state.loop.call_soon(self._relieve)
        with lock:
            self.loop_state.slow_clients.add(self)

    def resume(self) -> None:
        """Send queued messages: the transport is below its low-water mark."""
        self.cork.end_pause()
        self.flush()

    @property
    def queued(self) -> int:
        """Bytes that wait for the client to read, without those in the kernel."""
        outbox = 0 if self._outbox is None else self._outbox.size
        return 0 if self.cork.transport is None else self.cork.unsent + outbox

    def describe(self) -> dict[str, object]:
        """Return the fields of a log record."""
        return describe(self._owner)

    def _relieve(self) -> None:
        self.loop_state.slow_clients.relieve(self.settings.max_total_queue_bytes)

    def _close_slow_client(self) -> None:
        self.loop_state.slow_clients.close(self, self.settings.max_queue_bytes)

    def give_up(self, *, abort: bool) -> None:
        """Close with 1013; ``abort`` aborts TCP if a Close would wait for much unsent data."""
        self.close(CloseCode.TRY_AGAIN_LATER, "too slow")
        if abort:
            self.cork.abort_in_flight()

    # The end

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, on the loop's thread; do nothing after the end."""
        if self._owner is not None and not self.closed:
            self._owner.send_close(code, reason)

    def end(self, close: Close) -> None:
        """Stop sending, and drop queued items."""
        self.closed_with = close
        self.prompt = False
        if self.stream is not None:
            self.stream.task.cancel()
        self.cork.end()
        self.flush()
        self.cork.recount()

    def detach(self) -> None:
        """Forget the connection and its transport, which is closed; ``end`` must follow."""
        self._owner = None
        self.cork.close()

    @property
    def detached(self) -> bool:
        """True when the transport is closed."""
        return self._owner is None
