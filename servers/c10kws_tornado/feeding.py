"""Received bytes into a protocol of either kind, as asyncio's own transports do it."""

from __future__ import annotations

import asyncio


def feed(protocol: asyncio.BaseProtocol, data: bytes, transport: asyncio.BaseTransport) -> None:
    """Deliver ``data``; a BufferedProtocol gets it in pieces of its own buffer's size."""
    if isinstance(protocol, asyncio.Protocol):
        if data:
            protocol.data_received(data)
    elif isinstance(protocol, asyncio.BufferedProtocol):
        while data and not transport.is_closing():
            buffer = memoryview(protocol.get_buffer(len(data)))
            size = min(len(buffer), len(data))
            buffer[:size] = data[:size]
            protocol.buffer_updated(size)
            data = data[size:]
