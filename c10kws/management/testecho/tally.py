"""Results of the clients: counts, reasons and times."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

#: Limit of different reasons: a server may give each client another one.
REASONS = 100
OTHER = "other reasons"


def _seconds() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Tally:
    """The results of one process, or the sum of several. Times are seconds."""

    #: Clients that have connected and received the greeting.
    connected: int = 0
    #: Clients that have finished the talk, closing handshake included.
    finished: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    #: From the start of the TCP connection to the head of the 101.
    handshakes: array[float] = field(default_factory=_seconds)
    #: From the writing of a message to the arrival of its echo.
    echoes: array[float] = field(default_factory=_seconds)

    @property
    def failed(self) -> int:
        """Number of clients that failed."""
        return self.failures.total()

    def fail(self, reason: str, count: int = 1) -> None:
        """Count clients that failed for the same reason."""
        if reason not in self.failures and len(self.failures) >= REASONS:
            reason = OTHER
        self.failures[reason] += count

    def add(self, other: Tally) -> None:
        """Add the results of another process."""
        self.connected += other.connected
        self.finished += other.finished
        for reason, count in other.failures.items():
            self.fail(reason, count)
        self.handshakes.extend(other.handshakes)
        self.echoes.extend(other.echoes)


def percentile(ordered: list[float], percent: float) -> float:
    """Return the smallest of the sorted values that ``percent`` of them do not exceed."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
