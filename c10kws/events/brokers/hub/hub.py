"""``Hub``: channels, their subscribers and their histories, in one order for all peers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from ..history import HistoryLimits, Position
from ..store import Store
from . import codec

#: Log lines that are kept while no peer is connected.
MAX_LINES = 100


class Subscriber(Protocol):
    """A process that is connected to the hub."""

    def send(self, data: bytes) -> bool:
        """Queue frames; return False if the peer is closed."""

    def flush(self) -> object:
        """Write what is queued."""


class Hub:
    """Calls ``met`` when a peer connects, and ``deserted`` when the last one has disconnected."""

    def __init__(self, met: Callable[[], object], deserted: Callable[[], object]) -> None:
        self._met = met
        self._deserted = deserted
        self._store: Store[bytes] = Store()
        self._peers: dict[Subscriber, set[str]] = {}  # with their channels; the oldest is first
        self._subscribers: dict[str, set[Subscriber]] = {}
        self._next_report = 1
        self._unflushed: set[Subscriber] = set()
        self._lines: deque[str] = deque(maxlen=MAX_LINES)

    @property
    def has_peers(self) -> bool:
        """True while a process is connected."""
        return bool(self._peers)

    def join(self, peer: Subscriber) -> None:
        """Add a peer, and send it the log lines that no other peer has received."""
        self._peers[peer] = set()
        self._met()
        while self._lines:
            self._send(peer, codec.text_frame(codec.LOG, self._lines.popleft()))

    def leave(self, peer: Subscriber) -> None:
        """Remove a peer and its subscriptions."""
        channels = self._peers.pop(peer, None)
        if channels is None:
            return
        self._unflushed.discard(peer)
        for channel in channels:
            self._forget(peer, channel)
        if not self._peers:
            self._deserted()

    def subscribe(self, peer: Subscriber, channels: Iterable[str]) -> None:
        """Deliver the messages of these channels to a peer."""
        for channel in channels:
            self._peers[peer].add(channel)
            self._subscribers.setdefault(channel, set()).add(peer)

    def unsubscribe(self, peer: Subscriber, channels: Iterable[str]) -> None:
        """Undo :meth:`subscribe`."""
        for channel in channels:
            if channel in self._peers[peer]:
                self._peers[peer].remove(channel)
                self._forget(peer, channel)

    def _forget(self, peer: Subscriber, channel: str) -> None:
        subscribers = self._subscribers[channel]
        subscribers.remove(peer)
        if not subscribers:
            del self._subscribers[channel]

    def publish(
        self, channel: str, payload: bytes, limits: HistoryLimits | None
    ) -> Position | None:
        """Keep a message if there are ``limits``, and deliver it to the subscribers."""
        position = None
        if limits is not None:
            position = self._store.append(channel, payload, len(payload), limits)
            self._report_forgotten()
        subscribers = self._subscribers.get(channel)
        if subscribers:
            data = codec.message(position, channel, payload)
            for peer in subscribers:
                self._send(peer, data)
        return position

    def position(self, channel: str, limits: HistoryLimits) -> Position:
        """Return the last position of a channel."""
        return self._store.position(channel, limits)

    def last(self, channel: str, limits: HistoryLimits) -> tuple[Position, bytes | None]:
        """Return the last position of a channel, and its row if it is kept."""
        return self._store.last(channel, limits)

    def rows(self, channel: str, since: Position) -> Sequence[tuple[Position, bytes]] | None:
        """Return the rows after a position; None if one of them is missing."""
        return self._store.rows_since(channel, since)

    def _report_forgotten(self) -> None:
        """Log the number of removed histories: at the first one, then whenever it has doubled."""
        if self._store.forgotten >= self._next_report:
            self._next_report = 2 * self._store.forgotten
            self.log(
                f"Histories that were removed because all together are too large: "
                f"{self._store.forgotten}."
            )

    def log(self, line: str) -> None:
        """Write a line to the log of one peer, since the hub has no log of its own."""
        data = codec.text_frame(codec.LOG, line)
        if not any(self._send(peer, data) for peer in self._peers):
            self._lines.append(line)

    def _send(self, peer: Subscriber, data: bytes) -> bool:
        self._unflushed.add(peer)
        return peer.send(data)

    def flush(self) -> None:
        """Write what is queued for all peers."""
        while self._unflushed:
            self._unflushed.pop().flush()
