"""The interfaces between a connection, its server and its requests."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, TypeVar

from ..limits import Limits
from .peer import Peer
from .requesthead import RequestHead

#: A connection.
_Connection = TypeVar("_Connection", contravariant=True)


class Receiver(Protocol):
    """A request, as its connection sees it; the counterpart of Tornado's HTTPMessageDelegate."""

    @property
    def serves_half_closed(self) -> bool:
        """True if a client that closes its half of the connection still gets its response."""

    @property
    def has_responded(self) -> bool:
        """True when a response has begun."""

    def head_received(self, head: RequestHead) -> Awaitable[None] | None:
        """Begin; the receiver may refuse the request. The body waits for the awaitable."""

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Handle a piece of the body; further pieces wait for the awaitable."""

    def finish(self) -> None:
        """Handle the end of the request."""

    def on_connection_close(self) -> None:
        """Handle the end of the connection before that of the response."""


class ConnectionHost(Protocol[_Connection]):
    """The server, as a connection sees it."""

    @property
    def limits(self) -> Limits:
        """The limits of all connections."""

    @property
    def read_buffer(self) -> memoryview:
        """The buffer into which all connections are read, one after another."""

    def connection_made(self, connection: _Connection) -> Peer:
        """Remember a connection, and return its other end."""

    def start_request(self, connection: _Connection, head: RequestHead) -> Receiver:
        """Return the receiver of a request."""

    def refuse(self, connection: _Connection, code: int) -> bytes:
        """Return the response to a request that cannot be parsed, and log it."""

    def connection_lost(self, connection: _Connection) -> None:
        """Forget a connection that has ended or was taken over."""
