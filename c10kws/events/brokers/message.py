"""``Message``: an event to the clients of a channel, and its place in the channel's history."""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True, slots=True)
class History:
    """What a channel has kept: the ``rows`` after the position that was asked for, oldest first.

    ``position`` is the last one of the channel. ``recovered`` is True if no row is missing.
    """

    position: Position
    rows: Sequence[Arrival] = ()
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """What a channel keeps: at most ``size`` messages and ``max_bytes``, for ``ttl`` seconds.

    The time begins again with each message. The number of the last message is kept for a day
    longer; then the channel begins a new epoch.
    """

    size: int
    ttl: float
    max_bytes: int = 1024 * 1024

    def __post_init__(self) -> None:
        if not (self.size > 0 and self.ttl > 0 and self.max_bytes > 0):
            raise ValueError(f"The limits of a history must be above 0, not {self}.")
