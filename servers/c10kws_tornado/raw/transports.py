"""The transport of an accepted connection, which it keeps until its end."""

from __future__ import annotations

import asyncio
import socket
import ssl
from asyncio.selector_events import BaseSelectorEventLoop

from .poller import make_poller
from .sockettransport import SocketTransport
from .tlstransport import TLSTransport


class Connector:
    """Makes the transports of a server: its own, or those of a loop that has others.

    uvloop and Windows' proactor make their own; a task waits for them.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, context: ssl.SSLContext | None) -> None:
        self._loop = loop
        self._context = context
        self._tasks: set[asyncio.Task[object]] = set()
        own = context is None and isinstance(loop, BaseSelectorEventLoop)
        self._poller = make_poller(loop) if own else None

    def close(self) -> None:
        """Stop reading; the transports are closed."""
        if self._poller is not None:
            self._poller.close()

    def connect(self, connection: socket.socket, protocol: asyncio.BaseProtocol) -> None:
        """Connect a protocol to an accepted, non-blocking socket."""
        if self._context is not None:
            self._connect_tls(connection, protocol, self._context)
        elif isinstance(self._loop, BaseSelectorEventLoop):
            readers = self._poller or self._loop
            SocketTransport(self._loop, connection, protocol, readers).begin()
        else:
            task: asyncio.Task[object] = self._loop.create_task(
                self._loop.connect_accepted_socket(lambda: protocol, connection)
            )
            self._tasks.add(task)
            task.add_done_callback(self._connected)

    def _connect_tls(
        self, connection: socket.socket, protocol: asyncio.BaseProtocol, context: ssl.SSLContext
    ) -> None:
        try:
            wrapped = context.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        except OSError:  # the client has disconnected
            connection.close()
            return
        TLSTransport(self._loop, wrapped, protocol).begin()

    def _connected(self, task: asyncio.Task[object]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # the client has disconnected
