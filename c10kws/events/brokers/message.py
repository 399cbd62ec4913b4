"""``Message``: an event to the clients of a channel, and its position in the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...connection.items import weigh
from .history import Position


@dataclass(frozen=True, slots=True)
class Message:
    """An event to the clients of a channel, except those whose id is in ``exclude``.

    ``text`` is the frame of version 0 of the protocol, or the state of a progress bar.
    """

    text: str
    exclude: frozenset[str] = frozenset()

    @property
    def size(self) -> int:
        """Bytes that count in a queue."""
        return weigh(self.text)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that has arrived from the broker. Without a history ``position`` is None."""

    message: Message
    position: Position | None = None

    def is_included(self, last: Position | None) -> bool:
        """Return True if a history that ends at ``last`` contains this message."""
        position = self.position
        return (
            position is not None
            and last is not None
            and position.epoch == last.epoch
            and position.seq <= last.seq
        )


@dataclass(frozen=True, slots=True)
class History:
    """The result of reading a history: the ``rows`` after the given position, oldest first.

    ``position`` is the last position of the channel. ``recovered`` is True if no row is missing.
    """

    position: Position
    rows: Sequence[Arrival] = ()
    recovered: bool = False


#: Makes a message from the last one, or from None if there is none. Returns None to change nothing.
Change = Callable[[Message | None], Message | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an update: the last message of the channel, or None if there is none.

    ``changed`` is True if the update has published this message.
    """

    last: Arrival | None
    changed: bool
