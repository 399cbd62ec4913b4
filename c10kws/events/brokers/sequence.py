"""``Sequence``: finds duplicates and gaps in the messages of one channel."""

from __future__ import annotations

from collections import OrderedDict
from enum import Enum

from .history import Position

#: Senders that a channel remembers. A sender that is forgotten is taken for a new one.
MAX_ORIGINS = 1024


class Verdict(Enum):
    """How a message follows the ones before it."""

    NEXT = "next"
    DUPLICATE = "duplicate"
    GAP = "gap"


class Sequence:
    """The last numbers of a channel; ``position`` is None until the first message with one."""

    __slots__ = ("_numbers", "position")

    def __init__(self) -> None:
        self.position: Position | None = None
        self._numbers: OrderedDict[str, int] = OrderedDict()

    def judge(self, origin: str, number: int, position: Position | None) -> Verdict:
        """Compare a message with the one before it.

        The next comparison is with this message, unless it has a position and is not NEXT.
        """
        if position is not None:
            return self._judge_position(position)
        last = self._numbers.get(origin)
        if last is not None and number <= last:
            return Verdict.DUPLICATE
        self._remember(origin, number)
        return Verdict.NEXT if last is None or number == last + 1 else Verdict.GAP

    def _judge_position(self, position: Position) -> Verdict:
        last = self.position
        expected = 1 if last is None or last.epoch != position.epoch else last.seq + 1
        if last is None or position.seq == expected:  # 1: the old epoch has expired
            self.position = position
            return Verdict.NEXT
        return Verdict.GAP if position.seq > expected else Verdict.DUPLICATE

    def _remember(self, origin: str, number: int) -> None:
        self._numbers[origin] = number
        self._numbers.move_to_end(origin)
        if len(self._numbers) > MAX_ORIGINS:
            self._numbers.popitem(last=False)

    def begin(self, position: Position) -> None:
        """Go on from a position, without the messages before it."""
        self.position = position

    def restart(self) -> None:
        """Forget the numbers of senders: the subscription was interrupted."""
        self._numbers.clear()
