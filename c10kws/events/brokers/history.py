"""The history of a channel: positions in it, and its limits."""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf


@dataclass(frozen=True, slots=True)
class Position:
    """A position in the history of a channel. Only positions of one epoch can be compared."""

    epoch: str
    seq: int


@dataclass(frozen=True, slots=True)
class HistoryLimits:
    """Limits of a history: ``size`` messages, ``max_bytes`` bytes, and ``ttl`` seconds.

    The time starts again with each message. When it has passed, all messages are removed. The
    number of the last one is kept for another day; then the channel begins a new epoch.
    """

    size: int
    ttl: float
    max_bytes: int = 1024 * 1024

    def __post_init__(self) -> None:
        if not (self.size > 0 and self.ttl > 0 and self.max_bytes > 0):
            raise ValueError(f"The limits of a history must be above 0, not {self}.")
        numbers: tuple[object, ...] = (self.size, self.max_bytes)
        if not all(isinstance(each, int) for each in numbers):
            raise ValueError(f"size and max_bytes of a history must be integers, not {self}.")
        if isinf(self.ttl):
            raise ValueError(
                f"The ttl of a history must be a finite number of seconds, not {self}."
            )
