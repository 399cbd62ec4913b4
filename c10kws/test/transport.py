"""A connection in memory: an asyncio transport for the server, bytes for the client."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

Receive = Callable[[bytes | None], None]


class MemoryTransport(asyncio.Transport):
    """Transport that passes the server's writes to ``receive``; None means the end."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, receive: Receive
    ) -> None:
        super().__init__()
        self._loop = loop
        self._protocol = protocol
        self._receive = receive
        self._closing = False
        self._reading = True
        self._waiting = b""
        loop.call_soon(protocol.connection_made, self)

    # The server's side

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        if not self._closing:
            self._receive(bytes(data))

    def get_write_buffer_size(self) -> int:
        return 0

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._receive(None)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._receive(None)
            self._loop.call_soon(self._protocol.connection_lost, None)

    def abort(self) -> None:
        self.close()

    def is_reading(self) -> bool:
        return self._reading

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        waiting, self._waiting = self._waiting, b""
        if waiting:
            self._loop.call_soon(self.deliver, waiting)

    # The client's side

    def deliver(self, data: bytes) -> None:
        """Pass bytes of the client to the server's protocol; on the loop."""
        if not self._reading:
            self._waiting += data
            return
        protocol = cast(asyncio.BufferedProtocol, self._protocol)
        while data and not self._closing:
            buffer = memoryview(cast(bytearray, protocol.get_buffer(len(data))))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            protocol.buffer_updated(size)
            data = data[size:]


class MemoryStream:
    """The ``c10kws.stream`` of a test; ``on_attach`` is called when a protocol is attached."""

    upgraded = True

    def __init__(self, loop: asyncio.AbstractEventLoop, on_attach: Callable[[], None]) -> None:
        self._loop = loop
        self._on_attach = on_attach
        self.receive: Receive | None = None
        self.transport: MemoryTransport | None = None

    def attach(self, protocol_factory: Callable[[], asyncio.BaseProtocol]) -> None:
        """Connect the server's protocol."""
        assert self.receive is not None
        self.transport = MemoryTransport(self._loop, protocol_factory(), self.receive)
        self._on_attach()
