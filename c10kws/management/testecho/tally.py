"""Results of the clients: counts, reasons and times."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

#: Different reasons that are kept apart: a server may answer each client with another nonsense.
REASONS = 100
OTHER = "other reasons"


def _seconds() -> array[float]:
    return array("d")


@dataclass(slots=True)
class Tally:
    """Of one process, or of all that were added to it. Times are seconds."""

    #: Clients that have shaken hands and heard the greeting.
    connected: int = 0
    #: Clients that have come to the end of the talk, closing handshake included.
    finished: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    #: From the connecting of TCP to the head of the 101.
    handshakes: array[float] = field(default_factory=_seconds)
    #: From the writing of a message to its echo.
    echoes: array[float] = field(default_factory=_seconds)

    @property
    def failed(self) -> int:
        """Clients that have failed."""
        return self.failures.total()

    def fail(self, reason: str, count: int = 1) -> None:
        """Count clients that failed for the same reason."""
        if reason not in self.failures and len(self.failures) >= REASONS:
            reason = OTHER
        self.failures[reason] += count

    def add(self, other: Tally) -> None:
        """Add what another process has counted."""
        self.connected += other.connected
        self.finished += other.finished
        for reason, count in other.failures.items():
            self.fail(reason, count)
        self.handshakes.extend(other.handshakes)
        self.echoes.extend(other.echoes)


def percentile(ordered: list[float], percent: float) -> float:
    """Return the least of the sorted values, at least one, that ``percent`` of them reach."""
    return ordered[max(math.ceil(len(ordered) * percent / 100) - 1, 0)]
