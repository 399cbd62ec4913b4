"""The sending half of a connection: counts bytes that the kernel or the client has accepted."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from .sendrate import unsent_bytes

#: SO_LINGER on, for 0 seconds: closing resets the connection.
NO_LINGER = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)


class Output:
    """The sending half of one connection; used on the loop's thread."""

    __slots__ = ("_on_drained", "_transport", "_unsent_limit", "_written", "paused")

    def __init__(self, transport: asyncio.Transport) -> None:
        transport.set_write_buffer_limits(0)  # pause_writing() then reports all unsent data
        self._transport = transport
        self._on_drained: Callable[[], object] | None = None
        self._written = 0
        self._unsent_limit = 0
        #: True while the kernel has not taken all data.
        self.paused = False

    def write(self, data: bytes) -> bool:
        """Write; return True if the kernel has taken all data."""
        self._written += len(data)
        self._transport.write(data)
        return not (self.paused or self._transport.is_closing())

    def when_drained(self, callback: Callable[[], object] | None) -> None:
        """Call when the kernel has taken all data; never if the connection ends before."""
        self._on_drained = callback

    def drained(self) -> None:
        """Handle that the kernel has taken all data."""
        self.paused = False
        callback, self._on_drained = self._on_drained, None
        if callback is not None:
            callback()

    @property
    def taken(self) -> int:
        """The number of bytes that the peer has acknowledged; over TLS an estimate."""
        unsent = unsent_bytes(self._transport.get_extra_info("socket"))
        return self._written - self._transport.get_write_buffer_size() - unsent

    def limit_unsent(self, size: int) -> None:
        """Limit the bytes that the kernel queues unsent; 0 for its own limit, of megabytes."""
        if size != self._unsent_limit and not self._transport.is_closing():
            self._unsent_limit = size
            with suppress(OSError, AttributeError):  # a unix socket; a system without the option
                sock = self._transport.get_extra_info("socket")
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, size)

    def reset(self) -> None:
        """Abort, and make the kernel discard unsent data.

        Otherwise it would keep megabytes for minutes, for a peer that reads nothing.
        """
        with suppress(OSError, AttributeError):  # disconnected
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self._transport.abort()
