"""``Sender``: what a connection sends, in call order, one write for each turn.

Facts:

* The loop's thread owns the connection. What other threads send waits in the outbox, in call
  order, until the loop's next turn; so does what stands behind a message sent in fragments.
* Frames are corked: one write for each wake-up of the socket, or each turn of the loop.
* What is unsent is bounded: past MAX_QUEUE_BYTES the client is too slow.
"""

from __future__ import annotations

import asyncio
import logging
import time
from threading import get_ident
from typing import TYPE_CHECKING, cast

from . import outbox
from .conf import Settings
from .exceptions import ConnectionClosed
from .message import Message
from .outbox import Broadcast, Close, Item, Outbox, Overflow, Parts, Ping
from .pings import Pings
from .protocol import ServerProtocol
from .streaming import send_parts
from .writing import LEAST_PROMPT_QUEUE, Writer

if TYPE_CHECKING:
    from .connection import WebSocket

logger = logging.getLogger("c10kws")


class Sender(Writer):
    """The sending half of a connection; :class:`~c10kws.driver.Driver` receives.

    ``_prompt`` says that a plain message may go into the cork as it is: nothing stands before it
    and the client is not behind. It is what makes a write cheap; everything that could make it
    untrue goes through :meth:`_set_prompt`.
    """

    __slots__ = (
        "__weakref__",
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

    # Sending

    def _post(self, item: Item) -> None:
        """Send an item as soon as all before it are sent; from any thread."""
        on_loop = get_ident() == self._shared.thread
        if on_loop and self._may_send:
            self._send(item)
            return
        self.put(item)
        if on_loop:
            self.flush_outbox()
        elif not self._shared.loop.is_closed():
            self._shared.loop.call_soon_threadsafe(self.flush_outbox)

    def put(self, item: Item) -> bool:
        """Let an item wait in the outbox, from any thread; ``flush_outbox`` must follow.

        Return whether it found room. A broadcast that finds none is left out where SLOW_CLIENT
        says so; anything else becomes the news that the client is too slow.
        """
        with outbox.lock:
            if self._outbox is None:
                self._outbox = Outbox(self._settings.max_queue_bytes)
            taken = self._outbox.put(item)
            if not taken and isinstance(item, Broadcast) and self._drops_broadcasts:
                self.dropped += 1
                return False
            if not taken:
                self._outbox.put(Overflow())
            self._prompt = False
            return taken

    @property
    def _drops_broadcasts(self) -> bool:
        return self._settings.slow_client == "drop"

    @property
    def _may_send(self) -> bool:
        """Whether nothing stands before what is to be sent now."""
        return self._ended or (
            self._transport is not None and not self._outbox and self._streaming is None
        )

    def flush_outbox(self) -> None:
        """Send what waits, unless the transport is still to come; behind a stream only Pings."""
        while self._outbox:
            if self._transport is None and not self._ended:
                return  # connection_made comes in one of the loop's next turns
            item = self._outbox.get(control=self._streaming is not None and not self.closed)
            if item is None:
                break
            self._send(item)
        self._set_prompt()

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
        elif self._unsent() > self._settings.max_queue_bytes:
            self._drop_slow_client()
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
        return self.put(item)

    def _send_broadcast(self, item: Broadcast) -> bool:
        if self.closed:
            self.dropped += 1
            return False
        if self._unsent() > self._settings.max_queue_bytes:
            if self._drops_broadcasts:
                self.dropped += 1
            else:
                self._drop_slow_client()
            return False
        self.sent += 1
        plain = self._protocol.plain
        self._push(item.frame if plain else self._protocol.send_message(item.message))
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
        """Send a frame of the message under way; for :mod:`~c10kws.streaming`."""
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
        limit = self._settings.max_queue_bytes
        if not self.closed:
            logger.warning("client too slow: over %d bytes wait to be sent; closing", limit)
        self.send_close(1013, "too slow")

    def send_close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; on the loop's thread. The Close flushes what is corked."""
        if self.closed:
            return
        self._push(self._protocol.send_close(code, reason))
        self._flush()
        self.end(code, reason)

    def end(self, code: int, reason: str) -> None:
        """Remember how the connection ended; the first call counts."""
        if self.closed:
            return
        self.close_code, self.close_reason = code, reason
        self._prompt = False
        if self._streaming is not None:
            self._streaming.cancel()
        if self._pings is not None:
            self._pings.fail(ConnectionClosed(code, reason, cast("WebSocket", self)))
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)

    async def written(self) -> None:
        """Wait until what was asked for is sent, or at least not much of it is left."""
        while self._outbox and not self.closed:
            if self._streaming is not None:
                await asyncio.wait([self._streaming])
            else:
                await asyncio.sleep(0)  # connection_made is to come, or flush_outbox
        await self.drain()

    def resume_writing(self) -> None:
        """The transport has little left."""
        super().resume_writing()
        self._set_prompt()
