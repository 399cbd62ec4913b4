"""``Store``: histories of channels in memory, for MemoryBroker and for the hub."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from .history import HistoryLimits, Position

T = TypeVar("T")


#: Limits of all histories together. Above them, a history without recent messages is removed: its
#: clients learn that they may have missed messages.
MAX_CHANNELS = 100_000
MAX_BYTES = 256 * 1024 * 1024
#: Number of histories among which the one that expires first is removed.
SAMPLE = 8
#: Seconds that the last number is kept after the rows have expired. A client that reconnects to a
#: quiet channel therefore learns that it has missed nothing.
NUMBER_TTL = 86400.0


@dataclass(slots=True)
class _Log(Generic[T]):
    """The history of one channel: its rows, with the size of each."""

    epoch: str
    expires: float  # the time when the rows expire
    seq: int = 0
    size: int = 0
    rows: deque[tuple[T, int]] = field(default_factory=deque)


class Store(Generic[T]):
    """Rows by channel. Not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logs: OrderedDict[str, _Log[T]] = OrderedDict()
        self.size = 0  # bytes of all rows
        self.forgotten = 0  # number of histories removed because of the limits

    def __len__(self) -> int:
        return len(self._logs)

    def append(self, channel: str, row: T, size: int, limits: HistoryLimits) -> Position:
        """Add a row of ``size`` bytes and return its position."""
        self._sweep()
        log = self._find(channel) or self._begin(channel)
        log.expires = self._clock() + limits.ttl
        log.seq += 1
        log.rows.append((row, size))
        self._grow(log, size)
        while len(log.rows) > limits.size or log.size > limits.max_bytes:
            self._grow(log, -log.rows.popleft()[1])
        self._forget(channel)
        return Position(log.epoch, log.seq)

    def position(self, channel: str, limits: HistoryLimits) -> Position:
        """Return the last position of a channel; begin an epoch if there is none."""
        log = self._find(channel)
        if log is None:
            log = self._begin(channel)
            log.expires = self._clock() + limits.ttl
            self._forget(channel)
        return Position(log.epoch, log.seq)

    def last(self, channel: str, limits: HistoryLimits) -> tuple[Position, T | None]:
        """Return the last position of a channel and its row, or None if the row was removed."""
        position = self.position(channel, limits)
        rows = self._logs[channel].rows
        return position, rows[-1][0] if rows else None

    def rows_since(self, channel: str, since: Position) -> Sequence[tuple[Position, T]] | None:
        """Return the rows after a position, oldest first; None if one of them is missing."""
        log = self._find(channel)
        if log is None or log.epoch != since.epoch or not 0 <= log.seq - since.seq <= len(log.rows):
            return None
        first = len(log.rows) - (log.seq - since.seq)
        return [
            (Position(log.epoch, log.seq - len(log.rows) + number + 1), row)
            for number, (row, _) in enumerate(log.rows)
            if number >= first
        ]

    def _begin(self, channel: str) -> _Log[T]:
        self._sweep()
        log = self._logs[channel] = _Log[T](secrets.token_urlsafe(6), 0.0)
        return log

    def _find(self, channel: str) -> _Log[T] | None:
        """Return the log of a channel, without expired rows; None if it has expired itself."""
        log = self._logs.get(channel)
        age = 0.0 if log is None else self._clock() - log.expires
        if log is None or age < 0:
            return log
        if age >= NUMBER_TTL:
            del self._logs[channel]
            return None
        log.rows.clear()
        self._grow(log, -log.size)
        return log

    def _grow(self, log: _Log[T], size: int) -> None:
        log.size += size
        self.size += size

    def _forget(self, used: str) -> None:
        """Remove histories above the limits, but never the one in use."""
        while len(self._logs) > MAX_CHANNELS or self.size > MAX_BYTES:
            sample = [each for each in islice(self._logs.items(), SAMPLE) if each[0] != used]
            if not sample:
                return
            channel, log = min(sample, key=lambda each: each[1].expires)
            self._grow(log, -log.size)
            del self._logs[channel]
            self.forgotten += 1

    def _sweep(self) -> None:
        """Remove the expired rows of the next two channels.

        Each append and each new channel call this, so no channel stays in memory forever.
        """
        for channel in list(islice(self._logs, 2)):
            if self._find(channel) is not None:
                self._logs.move_to_end(channel)
