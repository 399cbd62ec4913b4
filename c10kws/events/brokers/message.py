"""``Message``: an event to the clients of a channel, and its place in the channel's history."""

from __future__ import annotations

from dataclasses import dataclass

from ...connection.items import weigh


@dataclass(frozen=True, slots=True)
class Message:
    """An event as it is emitted. Clients with an id in ``exclude`` do not get it.

    ``text`` is the frame of version 0. ``versions`` are those whose clients get it, None means all.
    """

    text: str
    exclude: frozenset[str] = frozenset()
    versions: frozenset[int] | None = None

    @property
    def size(self) -> int:
        """Bytes that it costs in a queue."""
        return weigh(self.text)


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the history of a channel. Numbers of different epochs cannot be compared."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that has come back from the broker; without a history ``position`` is None."""

    message: Message
    position: Position | None = None
