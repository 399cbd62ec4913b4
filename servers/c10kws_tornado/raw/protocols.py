"""Calls of protocols, as asyncio's own transports make them."""

from __future__ import annotations

import asyncio
from typing import cast

#: Bytes of unsent data above which a protocol is asked to pause writing, by default.
HIGH_WATER = 64 * 1024


def water_marks(high: int | None = None, low: int | None = None) -> tuple[int, int]:
    """Return the sizes at which writing pauses and resumes, with asyncio's defaults."""
    if high is None:
        high = HIGH_WATER if low is None else 4 * low
    if low is None:
        low = high // 4
    if not high >= low >= 0:
        raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
    return high, low


def feed(protocol: asyncio.BaseProtocol, data: bytes, transport: asyncio.BaseTransport) -> None:
    """Deliver ``data``; a BufferedProtocol receives it in pieces of the size of its buffer."""
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


def report(
    loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, error: Exception
) -> None:
    """Report the exception of a protocol to the loop's exception handler."""
    loop.call_exception_handler(
        {"message": "A protocol raised.", "exception": error, "protocol": protocol}
    )
