"""Received bytes into a protocol of either kind, as asyncio's own transports do it."""

from __future__ import annotations

import asyncio
from typing import cast


def feed(protocol: asyncio.BaseProtocol, data: bytes, transport: asyncio.BaseTransport) -> None:
    """Deliver ``data``; a BufferedProtocol gets it in pieces of its own buffer's size."""
    if not isinstance(protocol, asyncio.BufferedProtocol):
        if data and not transport.is_closing():
            cast(asyncio.Protocol, protocol).data_received(data)
        return
    while data and not transport.is_closing():
        buffer = memoryview(protocol.get_buffer(len(data)))
        size = min(len(buffer), len(data))
        buffer[:size] = data[:size]
        protocol.buffer_updated(size)
        data = data[size:]
