"""``Store``: the histories of channels in memory, for the ``memory`` broker and for the hub."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Generic, TypeVar

from .message import HistoryLimits, Position

T = TypeVar("T")


@dataclass(slots=True)
class _Log(Generic[T]):
    """The rows of one channel, with the size of each."""

    epoch: str
    expires: float
    seq: int = 0
    size: int = 0
    rows: deque[tuple[T, int]] = field(default_factory=deque)


class Store(Generic[T]):
    """Rows by channel. It is not thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._logs: OrderedDict[str, _Log[T]] = OrderedDict()

    def append(self, channel: str, row: T, size: int, limits: HistoryLimits) -> Position:
        """Add a row of ``size`` bytes and return its position."""
        self._sweep()
        log = self._find(channel) or self._begin(channel)
        log.expires = self._clock() + limits.ttl
        log.seq += 1
        log.size += size
        log.rows.append((row, size))
        while len(log.rows) > limits.size or log.size > limits.max_bytes:
            log.size -= log.rows.popleft()[1]
        return Position(log.epoch, log.seq)

    def position(self, channel: str, limits: HistoryLimits) -> Position:
        """Return the last position of a channel, which begins an epoch if it has none."""
        log = self._find(channel)
        if log is None:
            log = self._begin(channel)
            log.expires = self._clock() + limits.ttl
        return Position(log.epoch, log.seq)

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
        log = self._logs[channel] = _Log[T](secrets.token_urlsafe(6), 0.0)
        return log

    def _find(self, channel: str) -> _Log[T] | None:
        log = self._logs.get(channel)
        if log is not None and log.expires <= self._clock():
            del self._logs[channel]
            return None
        return log

    def _sweep(self) -> None:
        """Look at two channels, in turn, and delete those whose time has passed."""
        now = self._clock()
        for channel in list(islice(self._logs, 2)):
            if self._logs[channel].expires <= now:
                del self._logs[channel]
            else:
                self._logs.move_to_end(channel)
