"""``Backlog``: the last messages of a room with history, for clients that reconnect."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from concurrent.futures import Future

from ..brokers.base import Broker
from ..brokers.futures import result_of
from ..brokers.history import HistoryLimits, Position
from ..brokers.message import Arrival, History


class Backlog:
    """Keeps messages that have arrived in this process, and reads older ones from the broker.

    When all clients of a room reconnect at the same time, the broker is read only once.
    """

    def __init__(self, broker: Broker, channel: str, limits: HistoryLimits) -> None:
        self._broker = broker
        self._channel = channel
        self._limits = limits
        self._lock = threading.Lock()
        self._last: Position | None = None  # of all that has arrived
        self._kept: deque[Arrival] = deque()  # up to it, without gaps
        self._size = 0
        self._reading: tuple[Position | None, Future[History]] | None = None

    def keep(self, arrival: Arrival) -> None:
        """Keep a message that has arrived; further calls, from other event loops, do nothing."""
        here = _position_of(arrival)
        with self._lock:
            last = self._last
            if last is not None and last.epoch == here.epoch and here.seq <= last.seq:
                return
            if last is not None and here != Position(last.epoch, last.seq + 1):
                self._clear()
            self._last = here
            self._kept.append(arrival)
            self._size += arrival.message.size
            while len(self._kept) > self._limits.size or self._size > self._limits.max_bytes:
                self._size -= self._kept.popleft().message.size

    def begin(self, position: Position | None) -> None:
        """Begin after a position, unless a message has arrived already."""
        with self._lock:
            self._last = position if self._last is None else self._last

    def restart(self, position: Position | None) -> None:
        """Drop all messages and begin after a position, since messages were lost."""
        with self._lock:
            self._clear()
            self._last = position
            self._reading = None

    def _clear(self) -> None:
        self._kept.clear()
        self._size = 0

    async def read(self, since: Position | None) -> History:
        """Return the messages after a position; None returns only the last position.

        Raises :exc:`~.brokers.link.connection.ConnectionLost`, or TimeoutError after TIMEOUT.
        """
        kept = self._find(since)
        if kept is not None:
            return kept
        reading = self._reading  # another event loop may change it
        if reading is None or not _covers(reading[0], since):
            reading = since, self._broker.read(self._channel, since, self._limits)
            self._reading = reading
        future = reading[1]
        try:
            async with asyncio.timeout(self._broker.timeout):
                history = await result_of(future)
        finally:
            if self._reading is reading:
                self._reading = None
        self._extend(history)
        return self._with_later(history if since is None else _after(history, since))

    def _find(self, since: Position | None) -> History | None:
        """Return the messages after a position if all of them are kept."""
        with self._lock:
            last, kept = self._last, list(self._kept)
        if last is None:
            return None
        if since is None:
            return History(last)
        if since.epoch != last.epoch or not last.seq - len(kept) <= since.seq <= last.seq:
            return None
        return _after(History(last, kept, recovered=True), since)

    def _with_later(self, history: History) -> History:
        """Add what arrived after the broker was read: another client may have begun that."""
        later = self._find(history.position)
        if later is not None:
            return History(later.position, [*history.rows, *later.rows], history.recovered)
        last = self._last
        if last is None or last.epoch != history.position.epoch or last.seq < history.position.seq:
            return history
        return History(last)  # too many to be kept

    def _extend(self, history: History) -> None:
        """Keep rows that were read, if no message is missing between them and those kept."""
        with self._lock:
            last = self._last or history.position
            first = last.seq - len(self._kept) + 1  # kept, or the next one to come
            if last.epoch != history.position.epoch or first > history.position.seq + 1:
                return
            older = [row for row in history.rows if _position_of(row).seq < first]
            self._last = last
            self._kept.extendleft(reversed(older))
            self._size += sum(row.message.size for row in older)


def _position_of(arrival: Arrival) -> Position:
    assert arrival.position is not None
    return arrival.position


def _covers(first: Position | None, since: Position | None) -> bool:
    """Return True if a read after ``first`` contains all that a read after ``since`` needs."""
    if first is None or since is None:
        return since is None
    return first.epoch == since.epoch and first.seq <= since.seq


def _after(history: History, since: Position) -> History:
    rows = [row for row in history.rows if _position_of(row).seq > since.seq]
    recovered = history.recovered and since.seq <= history.position.seq
    return History(history.position, rows, recovered)
