"""State that the workers of one server share: a small file, with a slot for each worker.

The parent creates the file, and each worker inherits its descriptor. A worker writes only to its
own slot. Each process may read all slots at any time, without a lock: numbers are aligned words of
64 bits. A snapshot is written into one of two buffers. The other one is complete meanwhile, even if
the worker is killed.
"""

from __future__ import annotations

import mmap
import os
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

#: Changes with the layout: the parent may be older than its workers.
VERSION = 1
#: Bytes of the longest snapshot.
SNAPSHOT_SIZE = 64 * 1024

_WORD = 8
_PAGE = 4096
_SLOT = _PAGE + 2 * SNAPSHOT_SIZE
_PID, _GENERATION, _ACTIVITY, _HEARTBEAT, _CONNECTIONS, _SEQUENCE = range(6)
#: Length and checksum of the two buffers.
_LENGTH, _CHECKSUM = (6, 7), (8, 9)


class Activity(IntEnum):
    """States of a slot, in the order of a worker's life."""

    UNUSED = 0
    STARTING = 1
    ACCEPTING = 2
    DRAINING = 3
    ENDED = 4


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot, as it was when it was read.

    ``heartbeat`` is the time (``time.monotonic()``, the same clock in all processes) at which the
    event loop of the worker last ran.
    """

    index: int
    pid: int
    generation: int
    activity: Activity
    heartbeat: float
    connections: int


class SharedState:
    """The file, mapped into the memory of this process."""

    def __init__(self, fd: int) -> None:
        """Map the file of a descriptor, which this object closes.

        Raises RuntimeError for a file of another release.
        """
        self.fd = fd
        self._map = mmap.mmap(fd, 0)
        self._words = memoryview(self._map).cast("Q")
        self.size = (len(self._map) - _PAGE) // _SLOT
        #: The number of workers, without those that drain.
        self.workers = self.size // 2
        if self._words[0] != VERSION:
            raise RuntimeError(
                "The parent process runs another release of c10kws; stop it and start it again."
            )
        #: The first word of each slot.
        self._starts = [(_PAGE + index * _SLOT) // _WORD for index in range(self.size)]

    @classmethod
    def create(cls, workers: int) -> SharedState:
        """Create a file with two unused slots for each worker: while it drains, another starts."""
        fd = _create_file()
        os.truncate(fd, _PAGE + 2 * workers * _SLOT)
        os.write(fd, VERSION.to_bytes(_WORD, sys.byteorder))
        return cls(fd)

    def close(self) -> None:
        """Unmap and close the file."""
        self._words.release()
        self._map.close()
        os.close(self.fd)

    def free_slot(self) -> int | None:
        """Return a slot for another worker: one whose worker has ended if possible.

        Its successor continues its counters, so that few snapshots are left without a worker.
        """
        free = [
            slot
            for slot in map(self.read, range(self.size))
            if slot.activity in (Activity.UNUSED, Activity.ENDED)
        ]
        return max(free, key=lambda slot: slot.activity).index if free else None

    def slots(self) -> Sequence[Slot]:
        """Return all slots that were ever used."""
        found = [self.read(index) for index in range(self.size)]
        return [slot for slot in found if slot.activity != Activity.UNUSED]

    def read(self, index: int) -> Slot:
        """Return one slot."""
        start = self._starts[index]
        pid, generation, activity, heartbeat, connections = self._words[start : start + 5]
        return Slot(index, pid, generation, Activity(activity), heartbeat / 1e9, connections)

    def fewest_connections(self) -> int:
        """Return the smallest number of connections of a worker that accepts; 0 if none does."""
        words = self._words
        counts = [
            words[start + _CONNECTIONS]
            for start in self._starts
            if words[start + _ACTIVITY] == Activity.ACCEPTING
        ]
        return min(counts, default=0)

    # Writing, by the worker of a slot or by the parent while the slot has no worker

    def assign(self, index: int, generation: int) -> None:
        """Give a slot to a worker that is about to start. It keeps the last snapshot."""
        self._write(index, _PID, 0)
        self._write(index, _GENERATION, generation)
        self._write(index, _CONNECTIONS, 0)
        self.beat(index)
        self.enter(index, Activity.STARTING)

    def set_pid(self, index: int, pid: int) -> None:
        """Set the process ID of the worker."""
        self._write(index, _PID, pid)

    def enter(self, index: int, activity: Activity) -> None:
        """Change the state of a slot."""
        self._write(index, _ACTIVITY, activity)

    def beat(self, index: int) -> None:
        """Set the heartbeat to the current time."""
        self._write(index, _HEARTBEAT, time.monotonic_ns())

    def count(self, index: int, connections: int) -> None:
        """Set the number of open connections."""
        self._write(index, _CONNECTIONS, connections)

    def _write(self, index: int, word: int, value: int) -> None:
        self._words[self._starts[index] + word] = value

    # Snapshots

    def publish(self, index: int, data: bytes) -> None:
        """Replace the snapshot of a slot, in one thread at a time.

        Raises ValueError if it is longer than SNAPSHOT_SIZE.
        """
        if len(data) > SNAPSHOT_SIZE:
            raise ValueError(f"A snapshot may have {SNAPSHOT_SIZE} bytes, not {len(data)}.")
        start, offset = self._starts[index], self._buffers_of(index)
        sequence = self._words[start + _SEQUENCE] + 1
        half = sequence % 2
        offset += half * SNAPSHOT_SIZE
        self._map[offset : offset + len(data)] = data
        self._words[start + _LENGTH[half]] = len(data)
        self._words[start + _CHECKSUM[half]] = zlib.crc32(data)
        self._words[start + _SEQUENCE] = sequence

    def snapshot(self, index: int) -> bytes:
        """Return the last complete snapshot of a slot, b"" if there is none."""
        sequence_word = self._starts[index] + _SEQUENCE
        while sequence := self._words[sequence_word]:
            data, checksum = self._read_buffer(index, sequence % 2)
            # The buffer was possibly overwritten if the sequence has changed. The checksum detects
            # processors that change the order of writes.
            if self._words[sequence_word] == sequence and zlib.crc32(data) == checksum:
                return data
        return b""

    def _read_buffer(self, index: int, half: int) -> tuple[bytes, int]:
        start = self._starts[index]
        length, checksum = self._words[start + _LENGTH[half]], self._words[start + _CHECKSUM[half]]
        offset = self._buffers_of(index) + half * SNAPSHOT_SIZE
        return self._map[offset : offset + length], checksum

    def _buffers_of(self, index: int) -> int:
        return self._starts[index] * _WORD + _PAGE


def _create_file() -> int:
    """Return the descriptor of an empty file without a name. Child processes do not inherit it."""
    if sys.platform == "linux":
        return os.memfd_create("c10kws-workers")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
