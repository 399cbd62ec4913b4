"""Limits of the server, with the reason for each default. Sizes are bytes, times seconds.

The reference of limits is generated from these comments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

#: A complete head may exceed its limit by this factor. Then it is parsed, so that its access line
#: shows the request, and refused.
HEAD_ROOM = 2
#: Limits that 0 disables.
MAY_BE_ZERO = frozenset({"min_read_rate", "min_send_rate", "reserved_descriptors"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on the resources of one client, and of all together."""

    #: Longest request line and headers together. A longer head is answered with 431. The default is
    #: a little more than nginx's four large header buffers.
    max_head_size: int = 64 * 1024
    #: Longest body of a request. A longer one is answered with 413, before 100 Continue. The
    #: default is large, like Django's uploads, since long bodies are kept on disk.
    max_body_size: int = 100 * 1024 * 1024
    #: Longest body that is kept in memory.
    spool_size: int = 1024 * 1024
    #: Memory for all bodies together; above it further bodies are kept on disk. It matters when
    #: thousands of clients send bodies slowly. The default has room for 128 bodies of
    #: ``spool_size``.
    total_spool_size: int = 128 * 1024 * 1024
    #: Size of one read from a socket and of one slice of a response. A client on a telephone line
    #: reads the default within ``send_timeout``.
    chunk_size: int = 16 * 1024
    #: Size of the response data queued for a client. Above it the application is paused.
    high_water: int = 256 * 1024
    #: Limit of the unsent bytes of all responses of the process. Above it the slowest clients are
    #: disconnected. The default has room for 85 slow readers of 3 MB, on a machine with 1 GB.
    max_total_send_bytes: int = 256 * 1024 * 1024
    #: Seconds that a client may read no byte of a response before it is disconnected.
    send_timeout: float = 10.0
    #: Bytes per second that a client must read of a response, on average over ``send_timeout``.
    #: With 0 any progress is enough. The default is a tenth of the rate of a telephone on EDGE. It
    #: is more than the 240 of IIS and Kestrel, since a plain iterable holds a thread meanwhile.
    min_send_rate: int = 1024
    #: Seconds in which the head of a 101 must be sent. A short time is enough, because nothing else
    #: is queued for the client at that time.
    flush_timeout: float = 5.0
    #: Seconds that a connection may be silent between requests, and that the head of a request may
    #: take. The default is nginx's.
    idle_timeout: float = 75.0
    #: Seconds that a client may pause within its body. The default is nginx's.
    read_timeout: float = 60.0
    #: Bytes per second that a client must send of a body. While ``read_timeout`` counts down, each
    #: ``min_read_rate`` bytes give one second back. With 0 each byte restarts ``read_timeout``. The
    #: default is Apache's.
    min_read_rate: int = 500
    #: Seconds that a whole body may take. The default is enough for 100 MiB on a slow line.
    body_timeout: float = 3600.0
    #: Seconds that a refused body is still read, so that the client receives the response instead
    #: of a reset.
    linger_timeout: float = 2.0
    #: File descriptors that are reserved for files, the database and the log: connections do not
    #: use them.
    reserved_descriptors: int = 32

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in MAY_BE_ZERO and value == 0:
                continue
            check_positive(field.name, value, whole=isinstance(field.default, int))


def check_positive(name: str, value: object, *, whole: bool) -> None:
    """Raise ValueError, with the name, for anything but a finite number above 0."""
    kinds = (int,) if whole else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool) or not 0 < value < math.inf:
        kind = "whole number" if whole else "number"
        raise ValueError(f"{name} must be a {kind} above 0, not {value!r}.")
