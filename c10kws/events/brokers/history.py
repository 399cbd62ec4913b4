"""The history of a channel: places in it, and its limits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the history of a channel. Numbers of different epochs cannot be compared."""

    epoch: str
    seq: int


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
