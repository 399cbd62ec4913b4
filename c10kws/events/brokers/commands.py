"""Commands of a process to its broker, in the order in which they are carried out."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic

from .emission import Emission
from .history import HistoryLimits, Position
from .message import History, Message


@dataclass(frozen=True, slots=True, eq=False)
class Publish:
    """Send a message; ``emission`` is its outcome."""

    channel: str
    message: Message
    limits: HistoryLimits | None
    emission: Emission
    created: float = field(default_factory=monotonic)


@dataclass(frozen=True, slots=True, eq=False)
class Subscribe:
    """Subscribe to a channel; ``confirmed`` gets its last position."""

    channel: str
    limits: HistoryLimits | None
    confirmed: Future[Position | None]


@dataclass(frozen=True, slots=True, eq=False)
class Unsubscribe:
    """Unsubscribe from a channel, unless it has a receiver again."""

    channel: str


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """Read the history of a channel after a position; None reads only its last position."""

    channel: str
    since: Position | None
    limits: HistoryLimits
    result: Future[History]


@dataclass(frozen=True, slots=True, eq=False)
class Recover:
    """Read what a channel has missed."""

    channel: str


Command = Publish | Subscribe | Unsubscribe | Read | Recover
