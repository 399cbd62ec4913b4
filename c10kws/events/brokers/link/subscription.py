"""``Subscription``: one channel that this process has subscribed to."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from ..history import HistoryLimits, Position
from .sequence import Sequence
from .wire import Packet


@dataclass(slots=True)
class Subscription:
    """State of a subscription; used in the thread of the link.

    After ``deadline``, in the seconds of ``monotonic()``, clients do not wait for the confirmation.

    ``held`` has the messages that arrive before the confirmation, and while the history is being
    read; otherwise it is None.
    """

    channel: str
    limits: HistoryLimits | None
    deadline: float
    sequence: Sequence = field(default_factory=Sequence)
    confirmed: bool = False
    waiting: list[Future[Position | None]] = field(default_factory=list)
    held: list[tuple[Packet, Position | None]] | None = field(default_factory=list)
    overflowed: bool = False  # more messages have arrived than may be held

    def confirm(self) -> None:
        """Set the results that wait for the confirmation of the broker."""
        self.confirmed = True
        for future in self.waiting:
            future.set_result(self.sequence.position)
        self.waiting.clear()
