"""``Sequence``: detects duplicates and gaps in the messages of one channel."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from ..history import Position

#: Senders that are remembered for each channel. A forgotten sender counts as a new one.
MAX_ORIGINS = 1024


class Verdict(Enum):
    """The relation of a message to those before it."""

    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"


class Sequence:
    """The last number of each sender to a channel, and the last ``position``, if it has any."""

    __slots__ = ("_numbers", "position")

    def __init__(self) -> None:
        self.position: Position | None = None
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def judge(self, origin: str, number: int, position: Position | None) -> Verdict:
        """Compare a message with the last one.

        Then it becomes the last one itself, unless it has a position and is not NEXT.
        """
        if position is not None:
            return self._judge_position(position)
        last = self._numbers.get(origin)
        if last is not None and number <= last:
            return Verdict.DUPLICATE
        self._remember(origin, number)
        return Verdict.NEXT if last is None or number == last + 1 else Verdict.GAP

    def _judge_position(self, position: Position) -> Verdict:
        if self.misses(position):
            return Verdict.GAP
        last = self.position
        if last is not None and last.epoch == position.epoch and position.seq <= last.seq:
            return Verdict.DUPLICATE
        self.position = position
        return Verdict.NEXT

    def misses(self, position: Position) -> bool:
        """Return True if messages before a position are missing."""
        last = self.position
        if last is None:
            return False
        # A new epoch begins with 1: the old one has expired.
        return position.seq > (last.seq + 1 if last.epoch == position.epoch else 1)

    def _remember(self, origin: str, number: int) -> None:
        self._numbers[origin] = number
        self._numbers.move_to_end(origin)
        if len(self._numbers) > MAX_ORIGINS:
            self._numbers.popitem(last=False)

    def begin(self, position: Position) -> None:
        """Continue after a position."""
        self.position = position

    def restart(self) -> None:
        """Forget the numbers of senders, since the subscription was interrupted."""
        self._numbers.clear()
