"""The open HTTP connections of a server: which are idle, and which carry a request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Protocol

#: Checks of an idle connection before it is closed.
CHECKS = 4


class OpenConnection(Protocol):
    """A connection, as this module sees it."""

    def expire(self) -> None:
        """Close an idle connection; answer a head that stalls."""

    def close(self) -> None:
        """Close a connection without a request."""

    def abort(self) -> None:
        """Close at once."""


class Connections:
    """Open connections and their requests; used on the loop's thread."""

    def __init__(self) -> None:
        self._running: dict[OpenConnection, int] = {}
        self._idle: dict[OpenConnection, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self.stopping = False
        self.requests = 0

    def close_idle(self, timeout: float) -> None:
        """Close connections without a request for ``timeout`` seconds, or up to a quarter more.

        One timer serves all connections.
        """
        self._idle = {
            connection: self._idle.get(connection, 0) + 1
            for connection, running in self._running.items()
            if not running
        }
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(timeout / CHECKS, self.close_idle, timeout)
        for connection, checks in list(self._idle.items()):
            if checks > CHECKS:
                connection.expire()

    def __len__(self) -> int:
        return len(self._running)

    def add(self, connection: OpenConnection) -> None:
        """Remember a connection that waits for its next request."""
        self._running.setdefault(connection, 0)

    def begin(self, connection: OpenConnection) -> None:
        """Count a request that has begun. The response to the previous one may still be closing."""
        self.requests += 1
        self._running[connection] += 1
        self._idle.pop(connection, None)

    def end(self, connection: OpenConnection) -> None:
        """Count a request that has ended; a stopping server then closes the connection."""
        self.requests -= 1
        if connection in self._running:
            self._running[connection] -= 1
            if self.stopping and not self._running[connection]:
                connection.close()
        self._changed.set()

    def remove(self, connection: OpenConnection) -> None:
        """Forget a connection that was closed or became a raw stream."""
        self._running.pop(connection, None)
        self._idle.pop(connection, None)
        self._changed.set()

    async def drain(self, deadline: float) -> None:
        """Close idle connections and wait, until ``deadline`` in loop time, for all requests.

        Requests of disconnected clients count too: their threads are still working.
        """
        self.stopping = True
        for connection, running in list(self._running.items()):
            if not running:
                connection.close()
        loop = asyncio.get_running_loop()
        while self.requests and (left := deadline - loop.time()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return

    def abort(self) -> None:
        """Close all connections at once."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._running):
            connection.abort()

    async def wait_closed(self, timeout: float) -> None:
        """Wait until all connections have ended, at most ``timeout`` seconds."""
        deadline = asyncio.get_running_loop().time() + timeout
        while self._running and (left := deadline - asyncio.get_running_loop().time()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)
