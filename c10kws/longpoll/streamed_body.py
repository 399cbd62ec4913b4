"""Body of a response that is written in parts, from any thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Generator
from contextlib import suppress

from ..exceptions import ClientDisconnected

#: Held only while data is added or taken; one lock for all bodies saves memory.
_lock = threading.Lock()


class StreamedBody:
    """Queue of flushed data, which the server iterates over on its loop.

    The server asks for more when it has sent everything before.
    """

    __slots__ = (
        "_data",
        "_drained",
        "_ended",
        "_error",
        "_exhausted",
        "_limit",
        "_size",
        "_wakeup",
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
        """Queue data; return False if more than the limit is queued already."""
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
        """End the body after the queued data."""
        self._ended = True
        self._wake_soon()

    def abort(self, error: ClientDisconnected) -> None:
        """Discard the queued data; raise ``error`` in the server and in waiting tasks."""
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

    def __aiter__(self) -> StreamedBody:
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
        """Wait until everything is sent. Raises ClientDisconnected if it cannot be."""
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
            drained.exception()  # marks it as retrieved: the waiting task may have ended


class Flushed:
    """Returned by ``flush()`` and ``finish()``; awaiting it waits until the data is sent."""

    __slots__ = ("_body",)

    def __init__(self, body: StreamedBody | None) -> None:
        self._body = body

    def __await__(self) -> Generator[object, None, None]:
        return self._wait().__await__()

    async def _wait(self) -> None:
        if self._body is None:
            return
        if asyncio.get_running_loop() is not self._body.loop:
            raise RuntimeError(
                "flush() and finish() can be awaited only on the server's event loop; this task "
                "runs on another one."
            )
        await self._body.drain()
