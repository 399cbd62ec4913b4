"""``Cork``: frames that leave together, in one write for each turn of the event loop."""

from __future__ import annotations

import asyncio

from .items import SharedMessage
from .write_pause import WritePause

#: Frames that are corked before they are written, and writes that may follow one another before
#: other connections get their turn.
MAX_FRAMES = 64
#: A cork of so many bytes is written at once: to wait for more would save nothing.
FULL = 16 * 1024
#: From so many bytes on it is cheaper to hand the transport a list than to join it.
LONG = 8 * 1024
#: From so many unsent bytes on a transport pauses its writers by itself.
HIGH_WATER = 64 * 1024
#: With a bound below this each byte is counted before it is written, which is slower.
LEAST_PROMPT_QUEUE = 128 * 1024
#: The frames of an idle connection: never changed, one for all.
EMPTY: list[bytes] = []


class Cork:
    """Frames on their way to the ``transport``; they never wait longer than the loop's turn.

    ``WebSocket.write_message`` corks short frames by itself. Before the connection has its
    transport the frames wait. ``pause`` is the time in which the transport takes no more.

    While ``flush_follows`` is True the running code will flush, so no callback is scheduled.
    ``writes`` counts writes since others had their turn; after ``ended`` nothing more is sent.
    """

    __slots__ = (
        "_loop",
        "_size",
        "ended",
        "flush_follows",
        "frames",
        "max_queue_bytes",
        "pause",
        "transport",
        "writes",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, max_queue_bytes: int) -> None:
        self._loop = loop
        self.max_queue_bytes = max_queue_bytes
        self._size = 0  # without frames that write_message has corked
        self.ended = False
        self.flush_follows = False
        self.frames = EMPTY
        self.pause: WritePause | None = None
        self.transport: asyncio.Transport | None = None
        self.writes = 0

    # Frames

    def push(self, frame: bytes) -> None:
        """Cork a frame."""
        frames = self.frames or self.begin()
        frames.append(frame)
        self._size += len(frame)
        if self._size >= min(FULL, self.max_queue_bytes) or len(frames) >= MAX_FRAMES:
            self.flush()

    def push_long(self, head: bytes, payload: bytes) -> None:
        """Cork a frame in two parts, since joining them would copy the payload."""
        frames = self.frames or self.begin()
        frames += head, payload
        self._size += len(payload)
        if self._size >= FULL or len(frames) >= MAX_FRAMES:
            self.flush()

    def begin(self) -> list[bytes]:
        """Return the list for the first frame of this turn; make sure that it is flushed."""
        if not self.flush_follows:
            self._loop.call_soon(self.flush)
        self.frames = []
        return self.frames

    def push_pong(self, pong: bytes) -> None:
        """Cork a Pong; during a pause keep only the latest (RFC 6455 §5.5.3)."""
        if self.pause is None:
            self.push(pong)
        else:
            self.pause.pong = pong

    def push_close(self, close: bytes) -> None:
        """Write the last frame, after the Pong that waits."""
        if self.pause is not None and self.pause.pong is not None:
            self.push(self.pause.pong)
            self.pause.pong = None
        self.push(close)
        self.flush()

    def flush(self) -> None:
        """Write the frames."""
        frames = self.frames
        if not frames or self.transport is None:
            return
        self.frames = EMPTY
        size, self._size = self._size, 0
        if len(frames) == 1:
            self.transport.write(frames[0])
        elif size < LONG:
            self.transport.write(b"".join(frames))
        else:
            self.transport.writelines(frames)

    @property
    def unsent(self) -> int:
        """Bytes that are corked, or with the transport and not yet in the kernel."""
        if self.transport is None:
            return 0
        return self.transport.get_write_buffer_size() + self._size

    # The transport's flow control

    def connect(self, transport: asyncio.Transport) -> None:
        """Write to this transport from now on."""
        self.transport = transport
        if self.max_queue_bytes < HIGH_WATER:
            # Pause awaited writes before one more message could exceed MAX_QUEUE_BYTES.
            transport.set_write_buffer_limits(high=self.max_queue_bytes)

    async def drain(self) -> None:
        """Yield to other tasks, and wait while a pause lasts; return at the end in any case."""
        if self.writes >= MAX_FRAMES or len(self.frames) >= MAX_FRAMES:
            self.writes = 0
            self.flush()
            await asyncio.sleep(0)
        if self.unsent > self.max_queue_bytes:
            self.flush()  # now the transport has too much, and pauses writing
        while self.transport is None and not self.ended:
            self.pause = self.pause or WritePause(self._loop)
            await self.pause.wait()
        if self.pause is not None and not self.ended:
            await self.pause.wait()  # once: what others have queued meanwhile is sent after it

    def begin_pause(self, broadcast: SharedMessage | None) -> None:
        """Make ``drain`` wait, and count what the transport has: a ``broadcast``, or bytes."""
        if self.pause is None and self.transport is not None:
            in_flight = broadcast or self.transport.get_write_buffer_size()
            self.pause = WritePause(self._loop, in_flight)

    def end_pause(self) -> None:
        """Resume the tasks that drain: the transport has little left."""
        pause, self.pause = self.pause, None
        if pause is not None:
            pause.end()
            if pause.pong is not None:
                self.push(pause.pong)

    # The end

    def end(self) -> None:
        """Resume the tasks that drain: nothing more will be sent."""
        self.ended = True
        if self.pause is not None:
            self.pause.pong = None
            self.pause.wake()

    def recount(self) -> None:
        """Count what the transport still has, which may stay until CLOSE_TIMEOUT."""
        if self.pause is not None and self.transport is not None:
            self.pause.recount(self.transport.get_write_buffer_size())

    def abort(self) -> None:
        """Abort TCP; unsent data is lost."""
        if self.transport is not None:
            self.transport.abort()

    def abort_in_flight(self) -> None:
        """Abort TCP when a pause began with much unsent data, and stop counting it."""
        if self.pause is not None and self.pause.in_flight and self.transport is not None:
            self.pause.count(0)
            self.abort()

    def close(self) -> None:
        """Forget the transport, which is closed, and drop the frames."""
        self.transport = None
        self.frames = EMPTY
        self._size = 0
        if self.pause is not None:
            self.pause.end()
