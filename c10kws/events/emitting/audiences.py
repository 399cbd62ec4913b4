"""``Audiences``: the channels that an EventSocket has subscribed to in this process."""

from __future__ import annotations

from collections.abc import Callable

from ..brokers.history import HistoryLimits
from ..brokers.registry import brokers
from ..clients.socket import Socket
from .audience import Audience, Writer


class Audiences:
    """Subscribes to a channel with its first client, and unsubscribes with its last.

    ``open`` and ``close`` are called one after another for each channel.
    """

    def __init__(self, broker: str, writer: Writer) -> None:
        self._broker = broker
        self._writer = writer
        self._audiences: dict[str, Audience] = {}

    def open(
        self,
        channel: str,
        clients: Callable[[], list[Socket]],
        room: str | None = None,
        limits: HistoryLimits | None = None,
    ) -> None:
        """Subscribe to a channel. ``clients`` returns the clients that get its messages."""
        broker = brokers[self._broker]
        self._audiences[channel] = Audience(broker, channel, clients, self._writer, room, limits)

    def close(self, channel: str) -> None:
        """Unsubscribe from a channel."""
        self._audiences.pop(channel).close()

    def find(self, channel: str) -> Audience | None:
        """Return the audience of a channel, while it has clients."""
        return self._audiences.get(channel)
