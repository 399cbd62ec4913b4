"""Calls of protocols, as asyncio's own transports make them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import Any, cast

#: Bytes that a transport reads at a time for a protocol without a buffer.
READ_SIZE = 64 * 1024
#: The protocol of a closed transport, which so keeps no other object alive.
NO_PROTOCOL = asyncio.BaseProtocol()
#: Bytes of unsent data above which a protocol is asked to pause writing, by default.
HIGH_WATER = 64 * 1024
#: Its quarter, at which they are asked to resume: one object, which all transports share.
LOW_WATER = HIGH_WATER // 4


def water_marks(high: int | None = None, low: int | None = None) -> tuple[int, int]:
    """Return the sizes at which writing pauses and resumes, with asyncio's defaults."""
    if high is None:
        high = HIGH_WATER if low is None else 4 * low
    if low is None:
        low = LOW_WATER if high == HIGH_WATER else high // 4
    if not high >= low >= 0:
        raise ValueError(f"high ({high!r}) must be >= low ({low!r}) must be >= 0")
    return high, low


def is_buffered(protocol: asyncio.BaseProtocol) -> bool:
    """Return True for a protocol that provides the buffer into which it is read."""
    return isinstance(protocol, asyncio.BufferedProtocol)


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


def replay(
    protocol: asyncio.BaseProtocol,
    transport: asyncio.Transport,
    data: bytes,
    *,
    paused: bool,
    ended: bool,
) -> None:
    """Make the calls that a protocol has missed which takes a transport over.

    ``paused`` is true while data is unsent, ``ended`` when the client has closed its half.
    """
    try:
        protocol.connection_made(transport)
        if paused:
            protocol.pause_writing()
        feed(protocol, data, transport)
        if ended and not (
            transport.is_closing() or cast(asyncio.Protocol, protocol).eof_received()
        ):
            transport.close()
    except Exception as error:
        report(asyncio.get_running_loop(), protocol, error)
        transport.abort()


def replay_end(protocol: asyncio.BaseProtocol, transport: asyncio.Transport) -> None:
    """Make the calls that a protocol has missed if the connection has ended."""
    try:
        with suppress(RuntimeError):  # raised by write() of uvloop's closed transport
            protocol.connection_made(transport)
    finally:
        protocol.connection_lost(None)


def socket_info(sock: socket.socket, name: str, default: Any) -> Any:
    """Return what ``get_extra_info`` of a transport returns."""
    with suppress(OSError):  # disconnected
        match name:
            case "socket":
                return sock
            case "peername":
                return sock.getpeername()
            case "sockname":
                return sock.getsockname()
            case "ssl_object" if isinstance(sock, ssl.SSLSocket):
                return sock
            case "sslcontext" if isinstance(sock, ssl.SSLSocket):
                return sock.context
    return default


def report(
    loop: asyncio.AbstractEventLoop, protocol: asyncio.BaseProtocol, error: Exception
) -> None:
    """Report the exception of a protocol to the loop's exception handler."""
    loop.call_exception_handler(
        {"message": "A protocol raised.", "exception": error, "protocol": protocol}
    )
