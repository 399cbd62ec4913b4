"""``c10kws.stream``: the raw stream of a connection after its 101."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

ProtocolFactory = Callable[[], asyncio.BaseProtocol]


class HTTPOutput(Protocol):
    """The sending half of an HTTP connection."""

    def write(self, data: bytes) -> bool:
        """Write; return True if the kernel has taken all data."""

    def when_drained(self, callback: Callable[[], object] | None) -> None:
        """Call when the kernel has taken all data."""


class SwitchingConnection(Protocol):
    """An HTTP connection that may switch protocols."""

    half_closed: bool

    @property
    def transport(self) -> asyncio.Transport:
        """Its transport, which it keeps."""

    @property
    def output(self) -> HTTPOutput:
        """Its sending half."""

    @property
    def closed(self) -> bool:
        """True if nothing can be sent."""

    def release(self) -> None:
        """Stop parsing; what arrives is kept until ``hand_over``."""

    def hand_over(self, protocol: asyncio.BaseProtocol) -> None:
        """Give the transport to a protocol, with all events that it has missed."""


class RawStream:
    """The stream of one request. ``attach`` it once, on the loop's thread."""

    __slots__ = (
        "_attached",
        "_connection",
        "_on_upgrade",
        "_stop_waiting",
        "_unwanted",
        "closes_first",
        "transport",
        "upgraded",
    )

    def __init__(self, connection: SwitchingConnection) -> None:
        self.upgraded = False
        self.closes_first = False
        self.transport: asyncio.Transport | None = None
        self._connection: SwitchingConnection | None = connection
        self._on_upgrade: Callable[[], object] | None = None
        self._stop_waiting: Callable[[], object] | None = None
        self._attached = False
        self._unwanted = False

    # For the application

    def close_first(self) -> None:
        """Call ``close()`` of the response before the 101 is sent, not after it."""
        self.closes_first = True

    def on_upgrade(self, callback: Callable[[], object]) -> None:
        """Call on the loop right after the 101 is written; only from ``close()``."""
        self._on_upgrade = callback

    def attach(self, protocol_factory: ProtocolFactory) -> None:
        """Connect a protocol, which gets ``connection_made`` in one of the loop's next turns.

        Bytes that the client sent early are delivered right after it. Raises RuntimeError when the
        101 was not sent, or the second time.
        """
        if not self.upgraded:
            raise RuntimeError("The 101 was not sent; check `upgraded` before calling attach().")
        if self._attached:
            raise RuntimeError("The stream is already attached.")
        self._attached = True
        loop = asyncio.get_running_loop()
        # After two turns: a task created in this turn runs first and can wait for the first bytes.
        loop.call_soon(loop.call_soon, self._hand_over, protocol_factory)

    def _hand_over(self, protocol_factory: ProtocolFactory) -> None:
        connection, self._connection = self._connection, None
        assert connection is not None
        connection.hand_over(protocol_factory())

    # For the server

    def switch(self, head: bytes) -> bool:
        """Send the head of the 101, and call the application; return False without a client."""
        callback, self._on_upgrade = self._on_upgrade, None
        connection = self._connection
        assert connection is not None
        if connection.closed or connection.half_closed:
            connection.transport.close()
            return False
        connection.output.write(head)
        self._release(connection)
        if callback is not None:
            callback()
        return True

    def switch_and_flush(self, head: bytes, timeout: float, done: Callable[[], object]) -> None:
        """Send the head of the 101, and take the connection from HTTP when it was sent.

        ``done`` is called then, or when the client has disconnected or read nothing for ``timeout``
        seconds. ``upgraded`` tells the two apart.
        """
        connection = self._connection
        assert connection is not None
        if connection.closed or connection.half_closed:
            connection.transport.close()
            done()
        elif connection.output.write(head):
            self._flushed(connection)
            done()
        else:
            self._await_flush(connection, timeout, done)

    def _await_flush(
        self, connection: SwitchingConnection, timeout: float, done: Callable[[], object]
    ) -> None:
        def end(*, flushed: bool) -> None:
            timer.cancel()
            self._stop_waiting = None
            connection.output.when_drained(None)
            if flushed:
                self._flushed(connection)
            else:
                connection.transport.abort()
            done()

        self._stop_waiting = lambda: end(flushed=False)
        timer = asyncio.get_running_loop().call_later(timeout, self._stop_waiting)
        connection.output.when_drained(lambda: end(flushed=True))

    def _flushed(self, connection: SwitchingConnection) -> None:
        if self._unwanted:  # the loop was blocked for so long that the caller has given up
            connection.transport.close()
        elif not connection.closed:
            self._release(connection)

    def _release(self, connection: SwitchingConnection) -> None:
        connection.release()
        self.transport = connection.transport
        self.upgraded = True

    def connection_lost(self) -> None:
        """Stop waiting for a client that has disconnected."""
        if self._stop_waiting is not None:
            self._stop_waiting()

    def close_unattached(self) -> None:
        """Close a stream that was not attached."""
        if not self._attached:
            self._attached = self._unwanted = True
            self._connection = None
            if self.transport is not None:
                self.transport.close()


def may_upgrade(environ: Mapping[str, Any]) -> bool:
    """Return True if the client asked for an upgrade, and not over HTTP/1.0 (RFC 9110 §7.8)."""
    return (
        "HTTP_UPGRADE" in environ
        and environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        and environ.get("CONTENT_LENGTH", "0") == "0"
    )
