"""``Audiences``: the channels that an EventSocket has subscribed to in this process."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from ..brokers.history import HistoryLimits
from ..brokers.registry import brokers
from ..clients.socket import Socket
from .audience import Audience, Writer


class Audiences:
    """Subscribes to channels, each while it is used; all methods may be called from any thread.

    The first :meth:`open` of a channel subscribes, and the last :meth:`close` unsubscribes.
    """

    def __init__(self, broker: str, writer: Writer) -> None:
        self._broker = broker
        self._writer = writer
        self._lock = threading.Lock()
        self._audiences: dict[str, Audience] = {}
        self._users: Counter[str] = Counter()

    def open(
        self,
        channel: str,
        clients: Callable[[], list[Socket]],
        room: str | None = None,
        limits: HistoryLimits | None = None,
    ) -> None:
        """Subscribe to a channel. ``clients`` returns the clients that get its messages."""
        broker = brokers[self._broker]
        with self._lock:
            self._users[channel] += 1
            found = self._audiences.get(channel)
            if found is not None and found.is_of(broker):
                return
            if found is not None:  # the setting BROKERS has changed
                found.close()
            writer = self._writer
            self._audiences[channel] = Audience(broker, channel, clients, writer, room, limits)

    def close(self, channel: str) -> None:
        """Undo :meth:`open`."""
        with self._lock:
            self._users[channel] -= 1
            if not self._users[channel]:
                del self._users[channel]
                self._audiences.pop(channel).close()

    def find(self, channel: str) -> Audience | None:
        """Return the audience of a channel, while it is open."""
        return self._audiences.get(channel)
