"""``Message``: an event to the clients of a channel, and its place in the channel's history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...connection.items import weigh
from .history import Position


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
class Arrival:
    """A message that has come back from the broker; without a history ``position`` is None."""

    message: Message
    position: Position | None = None

    def is_included(self, last: Position | None) -> bool:
        """Return True if a history up to the position ``last`` has this message."""
        position = self.position
        return (
            position is not None
            and last is not None
            and position.epoch == last.epoch
            and position.seq <= last.seq
        )


@dataclass(frozen=True, slots=True)
class History:
    """What a channel has kept: the ``rows`` after the position that was asked for, oldest first.

    ``position`` is the last one of the channel. ``recovered`` is True if no row is missing.
    """

    position: Position
    rows: Sequence[Arrival] = ()
    recovered: bool = False


#: Returns a new message for the last one; gets None if there is none, returns None for no change.
Change = Callable[[Message | None], Message | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last message of a channel after an update; None if there is none.

    ``changed`` is True if the update has published it.
    """

    last: Arrival | None
    changed: bool
