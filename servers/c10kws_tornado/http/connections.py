"""The connections of a server: which are idle, which carry a request, which became raw streams."""

from __future__ import annotations

import asyncio

from tornado.http1connection import HTTP1ServerConnection

from ..raw.stream import RawStream
from .iostreams import PlainStream, TLSStream

#: How often an idle connection is looked at before it is closed.
VISITS = 4


class Connections:
    """Kept on the loop's thread. Tornado's own set forgets detached streams and knows no idling."""

    def __init__(self) -> None:
        self._running: dict[object, int] = {}
        self._waiting: dict[object, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._streams: set[RawStream] = set()
        self._changed = asyncio.Event()
        self.stopping = False
        self.requests = 0

    def watch(self, timeout: float) -> None:
        """Close what carries no request for ``timeout`` seconds, or at most a quarter more.

        One timer for all: Tornado would make one for each request that it waits for.
        """
        self._waiting = {
            connection: self._waiting.get(connection, 0) + 1
            for connection, running in self._running.items()
            if not running
        }
        for connection, visits in self._waiting.items():
            if visits > VISITS:
                self._expire(connection)
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(timeout / VISITS, self.watch, timeout)

    def __len__(self) -> int:
        return len(self._running)

    def add(self, connection: object) -> None:
        """A connection waits for its next request."""
        self._running.setdefault(connection, 0)

    def is_running(self, connection: object) -> bool:
        """Return True while a connection carries a request whose head has come."""
        return self._running.get(connection, 0) > 0

    def begin(self, connection: object) -> None:
        """A request has begun; the one before it may be closing its response still."""
        self.requests += 1
        self._running[connection] += 1
        self._waiting.pop(connection, None)

    def end(self, connection: object) -> None:
        """A request is over; a stopping server wants no other on this connection."""
        self.requests -= 1
        if connection in self._running:
            self._running[connection] -= 1
            if self.stopping and not self._running[connection]:
                self._close(connection)
        self._changed.set()

    def remove(self, connection: object) -> None:
        """The connection is closed, or it became a raw stream."""
        self._running.pop(connection, None)
        self._waiting.pop(connection, None)
        self._changed.set()

    def add_stream(self, stream: RawStream) -> None:
        """Remember a raw stream; those that have ended are forgotten by the way."""
        if len(self._streams) % 256 == 255:
            self._streams = {each for each in self._streams if not each.ended}
        self._streams.add(stream)

    async def drain(self, deadline: float) -> None:
        """Close idle connections and wait, until ``deadline`` in loop time, for all requests.

        Also for those whose client has left: their threads are at work.
        """
        self.stopping = True
        for connection, running in list(self._running.items()):
            if not running:
                self._close(connection)
        loop = asyncio.get_running_loop()
        while self.requests and (left := deadline - loop.time()) > 0:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), left)
            except TimeoutError:
                return

    def abort(self) -> None:
        """End everything at once."""
        if self._timer is not None:
            self._timer.cancel()
        for connection in list(self._running):
            self._stream_of(connection).abort()
        for stream in self._streams:
            stream.abort()
        self._streams.clear()

    def _close(self, connection: object) -> None:
        self._stream_of(connection).close()

    def _expire(self, connection: object) -> None:
        self._stream_of(connection).expire()

    @staticmethod
    def _stream_of(connection: object) -> PlainStream | TLSStream:
        assert isinstance(connection, HTTP1ServerConnection)
        assert isinstance(connection.stream, PlainStream | TLSStream)
        return connection.stream
