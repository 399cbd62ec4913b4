"""Limits of the server: each with the reason for its default. Sizes are bytes, times seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

#: Tornado answers a head above its own limit by closing without a byte. Its limit stands above
#: ours, so that ours can answer 431.
HEAD_ROOM = 2
#: Limits that 0 switches off.
MAY_BE_ZERO = frozenset({"min_read_rate", "min_send_rate", "reserved_descriptors"})


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of what a client may cost."""

    #: Request line and headers; as much as nginx's four large header buffers and some more.
    max_head_size: int = 64 * 1024
    #: A request's body; as Django's uploads go, large, since it streams to disk.
    max_body_size: int = 100 * 1024 * 1024
    #: A body stays in memory up to here.
    spool_size: int = 1024 * 1024
    #: All bodies together stay in memory up to here, then on disk: ten thousand clients may send
    #: one slowly. Room for 128 of ``spool_size``.
    total_spool_size: int = 128 * 1024 * 1024
    #: One read from a socket, and one slice of a response: small enough that a client on a
    #: telephone line takes one within SEND_TIMEOUT.
    chunk_size: int = 16 * 1024
    #: Response data that waits for a client before the application is held back.
    high_water: int = 256 * 1024
    #: Unsent bytes of all responses of the process; above it the slowest clients are disconnected.
    #: Room for 85 slow readers of 3 MB, on a machine of 1 GB.
    max_total_send_bytes: int = 256 * 1024 * 1024
    #: How long a client may take no byte of a response.
    send_timeout: float = 10.0
    #: Bytes a second that a client must read of a response, on average over ``send_timeout``; 0 for
    #: any progress. A tenth of the rate of a telephone on EDGE; more than the 240 of IIS and
    #: Kestrel, since a plain iterable holds a thread meanwhile.
    min_send_rate: int = 1024
    #: How long the head of a 101 may take to leave: the send buffer is empty then.
    flush_timeout: float = 5.0
    #: How long a connection may be silent between requests, or a head take; nginx's default.
    idle_timeout: float = 75.0
    #: How long a client may stop in the middle of its body; nginx's default.
    read_timeout: float = 60.0
    #: Bytes a second that a client must send of a body; a slower one uses up ``read_timeout``.
    #: Apache's default.
    min_read_rate: int = 500
    #: How long a whole body may take: 100 MiB over a slow line.
    body_timeout: float = 3600.0
    #: How long a refused body is still read, so that the client sees the refusal and no reset.
    linger_timeout: float = 2.0
    #: Descriptors that connections leave to files, the database and the log.
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
