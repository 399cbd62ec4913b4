"""Commands of a process to its broker, in the order in which they are carried out."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from time import monotonic

from ..emission import Emission
from ..history import HistoryLimits, Position
from ..message import Arrival, Change, History, Message, Outcome


@dataclass(frozen=True, slots=True, eq=False)
class Publish:
    """Send a message; ``emission`` is its outcome."""

    channel: str
    message: Message
    limits: HistoryLimits | None
    emission: Emission
    created: float = field(default_factory=monotonic)

    @property
    def size(self) -> int:
        """Bytes that count in the queue."""
        return self.message.size

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self.emission.fail(error)


@dataclass(frozen=True, slots=True, eq=False)
class Update:
    """Send the message that ``change`` makes from the last one; see :meth:`Broker.update`."""

    channel: str
    change: Change
    limits: HistoryLimits
    emission: Emission
    size: int
    result: Future[Outcome] = field(default_factory=Future)
    created: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self.result.set_running_or_notify_cancel()  # tasks that await it may be cancelled

    def fail(self, error: Exception) -> None:
        """End with an error."""
        self.emission.fail(error)
        if not self.result.done():
            self.result.set_exception(error)

    def end(self, outcome: Outcome) -> None:
        """End with a result, unless it has ended."""
        if not self.result.done():
            self.result.set_result(outcome)

    def accept(self, arrival: Arrival) -> None:
        """End with the message that the broker has accepted."""
        self.end(Outcome(arrival, True))


#: Commands that send a message.
Sending = Publish | Update


@dataclass(frozen=True, slots=True, eq=False)
class Subscribe:
    """Subscribe to a channel. The results of ``confirmed`` are its last position.

    After ``deadline``, in the seconds of ``monotonic()``, clients do not wait for them any more.
    """

    channel: str
    limits: HistoryLimits | None
    confirmed: list[Future[Position | None]]
    deadline: float


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
    created: float = field(default_factory=monotonic)


@dataclass(frozen=True, slots=True, eq=False)
class Recover:
    """Read the messages of a channel that this process has missed."""

    channel: str


Command = Publish | Update | Subscribe | Unsubscribe | Read | Recover
