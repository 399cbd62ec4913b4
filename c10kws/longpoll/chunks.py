"""The body of a response that is written piece by piece, from any thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import suppress

from ..exceptions import ClientDisconnected

#: For the moment in which a chunk is put or taken; one for all.
_lock = threading.Lock()


class Chunks:
    """Flushed data that the server has not yet taken; it iterates it on the loop.

    The server asks for more when all it has taken is with the client's kernel or ours.
    """

    __slots__ = (
        *("_data", "_drained", "_ended", "_error", "_exhausted", "_limit", "_size", "_wakeup"),
        "loop",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, limit: int) -> None:
        self.loop = loop
        self._limit = limit
        self._data: list[bytes] = []
        self._size = 0
        self._ended = False
        self._exhausted = False
        self._error: ClientDisconnected | None = None
        self._wakeup: asyncio.Future[None] | None = None
        self._drained: asyncio.Future[None] | None = None

    # From any thread

    def put(self, data: bytes) -> bool:
        """Add data; return False when more than the limit already waits."""
        with _lock:
            if self._error is not None:
                return True
            if self._size > self._limit:
                return False
            self._data.append(data)
            self._size += len(data)
        self._wake_soon()
        return True

    def end(self) -> None:
        """Nothing more will come."""
        self._ended = True
        self._wake_soon()

    def abort(self, error: ClientDisconnected) -> None:
        """Discard waiting data; the server and waiting tasks get the reason."""
        with _lock:
            self._error = self._error or error
            self._data.clear()
        self._wake_soon()

    def _wake_soon(self) -> None:
        with suppress(RuntimeError):  # the loop is closed: the server has stopped
            self.loop.call_soon_threadsafe(self._wake)

    # On the loop

    def _wake(self) -> None:
        if self._wakeup is not None and not self._wakeup.done():
            self._wakeup.set_result(None)
        if self._error is not None:
            self._settle_drained()

    def __aiter__(self) -> Chunks:
        return self

    async def __anext__(self) -> bytes:
        while True:
            with _lock:
                data, self._data, self._size = b"".join(self._data), [], 0
            if self._error is not None:
                raise self._error
            if data:
                return data
            self._settle_drained()
            if self._ended:
                self._exhausted = True
                raise StopAsyncIteration
            self._wakeup = self.loop.create_future()
            await self._wakeup

    async def drain(self) -> None:
        """Wait until all has left. Raises ClientDisconnected when it will not."""
        if self._error is not None:
            raise self._error
        if self._exhausted:
            return
        if self._drained is None:
            self._drained = self.loop.create_future()
            self._wake()
        await asyncio.shield(self._drained)

    def _settle_drained(self) -> None:
        drained, self._drained = self._drained, None
        if drained is None or drained.done():
            return
        if self._error is None:
            drained.set_result(None)
        else:
            drained.set_exception(self._error)
            drained.exception()  # the waiting task may have ended


class Sent:
    """Returned by ``flush()`` and ``finish()``; may be awaited on the server's loop."""

    __slots__ = ("_chunks",)

    def __init__(self, chunks: Chunks | None) -> None:
        self._chunks = chunks

    def __await__(self) -> Generator[object, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        if self._chunks is None:
            return
        if asyncio.get_running_loop() is not self._chunks.loop:
            raise RuntimeError("expected await on the server's event loop, not on another one")
        await self._chunks.drain()
