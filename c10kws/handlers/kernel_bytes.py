"""Bytes of a TCP connection in each direction, counted by the kernel.

To count them here would make each frame slower. Linux reports them (``struct tcp_info``), with the
bytes of TLS and of the HTTP requests before. Other systems and Unix sockets report nothing.
"""

from __future__ import annotations

import socket
import struct
import sys
from contextlib import suppress

from ..connection.facts import Transport

#: ``tcpi_bytes_acked`` and ``tcpi_bytes_received``.
_FIELDS = struct.Struct("QQ")
_OFFSET = 120
_LENGTH = _OFFSET + _FIELDS.size


def bytes_of(transport: Transport) -> tuple[int, int]:
    """Return the bytes that were received and sent, without those that are not acknowledged."""
    connection: socket.socket | None = transport.get_extra_info("socket")
    if sys.platform == "linux" and connection is not None and connection.family != socket.AF_UNIX:
        with suppress(OSError):  # the socket is closed
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LENGTH)
            if len(info) == _LENGTH:  # an older kernel has a shorter one
                sent, received = _FIELDS.unpack_from(info, _OFFSET)
                return received, sent
    return 0, 0
