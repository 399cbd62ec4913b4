"""``Subscription``: one channel that this process has subscribed to."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from .history import HistoryLimits, Position
from .sequence import Sequence
from .wire import Packet


@dataclass(slots=True)
class Subscription:
    """Used on the thread of the link.

    ``held`` are messages that wait while the history is read; None while it is not.
    """

    channel: str
    limits: HistoryLimits | None
    sequence: Sequence = field(default_factory=Sequence)
    confirmed: bool = False
    waiting: list[Future[Position | None]] = field(default_factory=list)
    held: list[tuple[Packet, Position | None]] | None = None

    def confirm(self) -> None:
        """Answer those who wait for the confirmation of the broker."""
        self.confirmed = True
        for future in self.waiting:
            future.set_result(self.sequence.position)
        self.waiting.clear()
