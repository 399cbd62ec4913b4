"""Snapshots: the values of a worker with its process ID, as the other workers read them.

They are compressed, because a slot has only 64 KiB: with 100 endpoints whose names have 100
characters, the JSON of the values is longer than that.
"""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass

from .values import Values

_PID_SIZE = 8


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The values that a process has published; ``pid`` is 0 if there are none."""

    pid: int
    values: Values


def pack(values: Values) -> bytes:
    """Return a snapshot of the values of this process."""
    return os.getpid().to_bytes(_PID_SIZE, "big") + zlib.compress(values.encode(), 1)


def unpack(data: bytes) -> Snapshot:
    """Return a snapshot; one without values if it is empty or of another release."""
    try:
        text = zlib.decompress(data[_PID_SIZE:]) if data else b""
    except zlib.error:
        return Snapshot(0, Values())
    return Snapshot(int.from_bytes(data[:_PID_SIZE], "big"), Values.decode(text))
