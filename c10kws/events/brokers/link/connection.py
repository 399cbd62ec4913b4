"""``BrokerConnection``: one connection of a process to a broker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from ..history import HistoryLimits, Position


class ConnectionLost(Exception):
    """Raised when a connection to a broker has ended, or could not be made."""


class Refused(Exception):
    """Raised when a broker refuses one message. The connection can still be used."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to publish, as bytes."""

    channel: str
    payload: bytes
    limits: HistoryLimits | None


@dataclass(frozen=True, slots=True)
class LastRow:
    """The last row of a channel with history; ``payload`` is None if it is not kept any more."""

    position: Position
    payload: bytes | None


#: Called with the channel, the payload and the position of each message that arrives.
Deliver = Callable[[str, bytes, "Position | None"], Awaitable[None]]


class BrokerConnection(ABC):
    """Opened once, and used on the event loop of a :class:`~.link.Link`.

    One task awaits ``run``, and another one awaits the other methods, one after another. All
    methods except ``close`` raise :exc:`ConnectionLost`. A subclass must not send anything twice.
    """

    @abstractmethod
    async def open(self) -> None:
        """Connect."""

    @abstractmethod
    async def run(self, deliver: Deliver) -> None:
        """Await ``deliver`` for each message that arrives, until the connection is lost."""

    @abstractmethod
    async def subscribe(self, channels: Sequence[str]) -> None:
        """Subscribe, and return when the broker has confirmed all subscriptions."""

    @abstractmethod
    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Unsubscribe."""

    @abstractmethod
    async def publish(self, batch: Sequence[Outgoing]) -> Sequence[Exception | None]:
        """Publish messages in this order.

        Return an item for each: its error, or None if the broker has accepted it.
        """

    @abstractmethod
    async def publish_after(
        self, expected: Position, messages: Sequence[Outgoing]
    ) -> Position | LastRow:
        """Publish messages to one channel, in one step, if ``expected`` is its last position.

        Return the position of the last one; the last row of the channel if nothing is published.
        The messages have limits. Raises :exc:`Refused`.
        """

    @abstractmethod
    async def last(self, channel: str, limits: HistoryLimits) -> LastRow:
        """Return the last row of a channel with history. Raises :exc:`Refused`."""

    @abstractmethod
    async def position(self, channel: str, limits: HistoryLimits) -> Position:
        """Return the last position of a channel with history."""

    @abstractmethod
    async def rows(self, channel: str, since: Position) -> Sequence[tuple[Position, bytes]] | None:
        """Return the rows after a position, oldest first; None if one of them is missing."""

    async def positions(self, channels: Sequence[tuple[str, HistoryLimits]]) -> Sequence[Position]:
        """Return the last positions of several channels. Override it to ask for all at once."""
        return [await self.position(channel, limits) for channel, limits in channels]

    async def rows_of(
        self, channels: Sequence[tuple[str, Position]]
    ) -> Sequence[Sequence[tuple[Position, bytes]] | None]:
        """Return the rows of several channels. Override it to ask for all at once."""
        return [await self.rows(channel, since) for channel, since in channels]

    @abstractmethod
    async def ping(self) -> None:
        """Return when the broker has answered."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect; must not raise."""
