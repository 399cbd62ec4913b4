"""The open HTTP connections of a server: which are idle, and which carry a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

#: Checks of an idle connection before it is closed.
CHECKS = 4
#: Turns of the loop after which everything is parsed that had arrived before them.
READING_TURNS = 3


class OpenConnection(Protocol):
    """A connection, as this module sees it."""

    @property
    def receiving(self) -> bool:
        """True when a part of the next request has arrived."""

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
        #: Connections whose next request a stopping server waits for: those that have not had one
        #: yet and, once it stops, those of which a part has arrived.
        self._expected: set[OpenConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._changed = asyncio.Event()
        self._expecting_until = 0.0
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

    @property
    def busy(self) -> int:
        """The number of connections that carry a request."""
        return sum(running > 0 for running in self._running.values())

    def add(self, connection: OpenConnection) -> None:
        """Remember a connection that waits for its first request."""
        self._running.setdefault(connection, 0)
        self._expected.add(connection)

    def begin(self, connection: OpenConnection) -> None:
        """Count a request that has begun. The response to the previous one may still be closing."""
        self.requests += 1
        self._running[connection] += 1
        self._idle.pop(connection, None)
        self._expected.discard(connection)

    def end(self, connection: OpenConnection) -> None:
        """Count a request that has ended; a stopping server then closes the connection."""
        self.requests -= 1
        if connection in self._running:
            self._running[connection] -= 1
            if self.stopping:
                self._close_soon(connection)
        self._changed.set()

    def remove(self, connection: OpenConnection) -> None:
        """Forget a connection that was closed or became a raw stream."""
        self._running.pop(connection, None)
        self._idle.pop(connection, None)
        self._expected.discard(connection)
        self._changed.set()

    async def drain(self, deadline: float, patience: float) -> None:
        """Close idle connections and wait, until ``deadline`` in loop time, for all requests.

        A connection that has not had its first request has ``patience`` seconds to send it, and so
        has one that has sent a part of its next request. Requests of disconnected clients count
        too: their threads are still working.
        """
        self.stopping = True
        loop = asyncio.get_running_loop()
        self._expecting_until = min(loop.time() + patience, deadline)
        for _ in range(READING_TURNS):
            await asyncio.sleep(0)
        for connection in list(self._running):
            if connection not in self._expected:
                self._close_if_idle(connection)
        await self._wait(lambda: not self._expected, self._expecting_until)
        for connection in list(self._expected):
            connection.expire()
        await self._wait(lambda: not self.requests, deadline)

    def _close_soon(self, connection: OpenConnection, turns: int = READING_TURNS) -> None:
        """Close a connection whose request has ended, unless the next one has arrived."""
        loop = asyncio.get_running_loop()
        if turns:
            loop.call_soon(self._close_soon, connection, turns - 1)
        else:
            self._close_if_idle(connection)

    def _close_if_idle(self, connection: OpenConnection) -> None:
        if self._running.get(connection) != 0:
            return
        if connection.receiving and asyncio.get_running_loop().time() < self._expecting_until:
            self._expected.add(connection)
        else:
            connection.expire()

    async def _wait(self, condition: Callable[[], bool], deadline: float) -> None:
        """Wait until the condition holds, at the latest until ``deadline``."""
        loop = asyncio.get_running_loop()
        while not condition() and (left := deadline - loop.time()) > 0:
            self._changed.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left)

    def abort(self) -> None:
        """Close all connections at once."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._running):
            connection.abort()

    async def wait_closed(self, timeout: float) -> None:
        """Wait until all connections have ended, at most ``timeout`` seconds."""
        deadline = asyncio.get_running_loop().time() + timeout
        await self._wait(lambda: not self._running, deadline)
