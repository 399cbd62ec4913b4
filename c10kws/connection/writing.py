"""``Writer``: bytes to the transport, corked, and the wait for a client that reads slowly."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from ..conf import Settings
from ..exceptions import ConnectionClosed
from ..protocol.closing import CloseCode
from . import outbox
from .loop import Shared, shared_by
from .outbox import Broadcast, backlog

if TYPE_CHECKING:
    from .websocket import WebSocket

#: Frames that are corked before they are written, and writes that may follow one another before
#: other connections get their turn.
MAX_CORK = 64
#: A cork of so many bytes is written at once: to wait for more would save nothing.
FULL_CORK = 16 * 1024
#: From so many bytes on it is cheaper to hand the transport a list than to join it.
LONG_CORK = 8 * 1024
#: With a bound below this each byte is counted before it is written, which is slower.
LEAST_PROMPT_QUEUE = 128 * 1024
#: From so many unsent bytes on a transport pauses its writers by itself.
HIGH_WATER = 64 * 1024


class Writer(asyncio.BufferedProtocol):
    """State of both halves of a connection: transport, loop, settings, how it ended."""

    __slots__ = (
        "_cork",
        "_cork_size",
        "_drained",
        "_ended",
        "_in_flight",
        "_inline",
        "_pong",
        "_prompt",
        "_settings",
        "_shared",
        "_transport",
        "_writes",
        "close_code",
        "close_reason",
    )

    def __init__(self, settings: Settings) -> None:
        self.close_code: int | None = None
        self.close_reason: str | None = None
        self._settings = settings
        self._shared = shared_by(asyncio.get_running_loop())
        self._transport: asyncio.Transport | None = None
        self._ended = False
        self._cork: list[bytes] = []
        self._cork_size = 0  # without what took the short way
        self._inline = False  # the code that sets it flushes the cork
        self._prompt = False
        self._writes = 0
        self._drained: asyncio.Future[None] | None = None
        self._in_flight: Broadcast | int = 0  # what the transport had when it paused us
        self._pong: bytes | None = None  # to the latest Ping, as soon as the client reads

    @property
    def shared(self) -> Shared:
        """State shared with the other connections of its loop."""
        return self._shared

    @property
    def closed(self) -> bool:
        """True when nothing can be sent: after a Close from either side, or a lost connection."""
        return self.close_code is not None

    def connection_closed(self) -> ConnectionClosed:
        """Return the error that says how the connection ended."""
        return ConnectionClosed(
            self.close_code or CloseCode.ABNORMAL_CLOSURE,
            self.close_reason or "",
            cast("WebSocket", self),
        )

    def _push(self, frame: bytes) -> None:
        """Cork a frame; the cork never outlives the loop's iteration."""
        if not self._cork and not self._inline:
            self._shared.loop.call_soon(self._flush)
        self._cork.append(frame)
        self._cork_size += len(frame)
        full = min(FULL_CORK, self._settings.max_queue_bytes)
        if self._cork_size >= full or len(self._cork) >= MAX_CORK:
            self._flush()

    def _flush(self) -> None:
        """Write what is corked."""
        cork = self._cork
        if not cork:
            return
        if self._transport is None and not self._ended:
            return  # connection_made comes in one of the loop's next turns
        size, self._cork_size = self._cork_size, 0
        if self._transport is None:
            pass
        elif len(cork) == 1:
            self._transport.write(cork[0])
        elif size < LONG_CORK:
            self._transport.write(b"".join(cork))
        else:
            self._transport.writelines(cork)
        cork.clear()

    def _unsent(self) -> int:
        if self._transport is None:
            return 0
        return self._transport.get_write_buffer_size() + self._cork_size

    async def drain(self) -> None:
        """Wait until the client has read most of the sent data; yield to other tasks."""
        if self.closed:
            raise self.connection_closed()
        if self._writes >= MAX_CORK or len(self._cork) >= MAX_CORK:
            self._writes = 0
            self._flush()
            await asyncio.sleep(0)
        if self._unsent() > self._settings.max_queue_bytes:
            self._flush()  # now the transport has too much of it, and says so
        while self._transport is None and not self.closed:
            await self._resumed()
        if self._drained is not None and not self.closed:
            await self._resumed()  # once: what others have queued meanwhile is sent after it
        if self.closed:
            raise self.connection_closed()

    async def _resumed(self) -> None:
        if self._drained is None:
            self._drained = self._shared.loop.create_future()
        await asyncio.shield(self._drained)

    def pause_writing(self) -> None:
        """Make ``drain`` wait: the transport is above its high-water mark."""
        if self._drained is None and self._transport is not None:
            in_hand = self._shared.in_hand
            self._count_in_flight(in_hand or self._transport.get_write_buffer_size())
            self._shared.loop.call_soon(self._relieve)
        self._prompt = False
        self._drained = self._drained or self._shared.loop.create_future()

    def resume_writing(self) -> None:
        """The transport has little left."""
        if self._in_flight:
            self._count_in_flight(0)
        drained, self._drained = self._drained, None
        if drained is not None and not drained.done():
            drained.set_result(None)
        self._send_pong()

    def answer_ping(self, pong: bytes) -> None:
        """Send a Pong; while the client reads slowly keep only the latest (RFC 6455 §5.5.3).

        A peer that sends Pings and reads nothing costs one Pong.
        """
        if self._drained is None:
            self._push(pong)
        else:
            self._pong = pong

    def _send_pong(self) -> None:
        pong, self._pong = self._pong, None
        if pong is not None:
            self._push(pong)

    def _count_in_flight(self, in_flight: Broadcast | int) -> None:
        """Count the transport's unsent bytes against MAX_TOTAL_QUEUE_BYTES."""
        with outbox.lock:
            backlog.release(self._in_flight)
            backlog.hold(in_flight)
            self._in_flight = in_flight

    def _recount_in_flight(self) -> None:
        """Count the unsent bytes of a closing connection, which may stay until CLOSE_TIMEOUT."""
        if self._transport is not None and isinstance(self._in_flight, int) and self._in_flight:
            self._count_in_flight(self._transport.get_write_buffer_size())

    def _relieve(self) -> None:
        if backlog.size > self._settings.max_total_queue_bytes:
            self._shared.slow.relieve(self._settings.max_total_queue_bytes)
