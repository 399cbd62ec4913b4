"""The verdict on what clients have heard: what was lost, what came twice, what was out of order."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise

from tests.faults.client import Heard, Item, Reset

#: A message: its sender and its number.
Key = tuple[str, int]


@dataclass
class Ledger:
    """The outcomes of the messages to one room: True for an emission that has succeeded.

    None is the outcome of an emission whose process was killed.
    """

    outcomes: dict[Key, bool | None] = field(default_factory=dict)

    def count(self, outcome: bool | None) -> int:
        return sum(each is outcome for each in self.outcomes.values())


@dataclass(frozen=True)
class Verdict:
    """The result of a scenario in one room."""

    sent: int
    failed: int
    unknown: int
    missed: int  # with an announcement, the most of one client that stayed
    unannounced: int  # messages that clients missed without an announcement, in sum
    twice: int
    disordered: int
    late: int  # messages that arrived although their emissions had failed
    resets: int  # the most of one client that stayed
    seconds: float  # from the end of the fault until all clients hear messages again


def judge(
    ledger: Ledger, heard: Sequence[Sequence[Item]], stayed: Sequence[bool], mended: float
) -> Verdict:
    """Judge one room by the items of each client; ``stayed`` are False for those that came back."""
    keys = [list(_keys_of(items)) for items in heard]
    arrived = {key for each in keys for key in each}
    expected = arrived | {key for key, outcome in ledger.outcomes.items() if outcome}
    losses = [_losses_in(items, expected) for items in heard]
    staying = [at for at, stays in enumerate(stayed) if stays]
    return Verdict(
        sent=len(ledger.outcomes),
        failed=ledger.count(False),
        unknown=ledger.count(None),
        missed=max(losses[at][0] for at in staying),
        unannounced=sum(unannounced for _, unannounced in losses),
        twice=sum(len(each) - len(set(each)) for each in keys),
        disordered=sum(_inversions(each) for each in keys) + _disagreements(keys),
        late=sum(ledger.outcomes.get(key) is False for key in arrived),
        resets=max(sum(isinstance(item, Reset) for item in heard[at]) for at in staying),
        seconds=max(_first_after(items, mended) - mended for items in heard),
    )


def _keys_of(items: Sequence[Item]) -> Iterator[Key]:
    for item in items:
        if isinstance(item, Heard):
            yield item.sender, item.number


def _losses_in(items: Sequence[Item], expected: set[Key]) -> tuple[int, int]:
    """Return how many messages a client has missed: those with an announcement, and the others.

    A loss is announced if a reset came between the last message of the sender before it and the
    first one after it.
    """
    got = set(_keys_of(items))
    announced = unannounced = 0
    for sender in {sender for sender, _ in expected}:
        missing = [number for each, number in expected - got if each == sender]
        gaps = _Gaps(items, sender)
        told = sum(gaps.is_announced(number) for number in missing)
        announced += told
        unannounced += len(missing) - told
    return announced, unannounced


class _Gaps:
    """The places of a sender's messages among the items of a client."""

    def __init__(self, items: Sequence[Item], sender: str) -> None:
        places = sorted(
            (item.number, at)
            for at, item in enumerate(items)
            if isinstance(item, Heard) and item.sender == sender
        )
        self._numbers = [number for number, _ in places]
        ats = [at for _, at in places]
        self._latest = [-1, *accumulate(ats, max)]
        self._earliest = [*accumulate([len(items), *reversed(ats)], min)][::-1]
        self._resets = [at for at, item in enumerate(items) if isinstance(item, Reset)]

    def is_announced(self, number: int) -> bool:
        """Return True if a reset came between the messages around a missing one."""
        index = bisect(self._numbers, number)
        first = bisect(self._resets, self._latest[index])
        return first < bisect(self._resets, self._earliest[index])


def _inversions(keys: Sequence[Key]) -> int:
    """Count the messages that came after a later one of their sender."""
    last: dict[str, int] = {}
    count = 0
    for sender, number in dict.fromkeys(keys):
        count += number < last.get(sender, 0)
        last[sender] = max(number, last.get(sender, 0))
    return count


def _disagreements(keys: Sequence[Sequence[Key]]) -> int:
    """Count the messages that two clients have heard in different orders."""
    count = 0
    for at, one in enumerate(keys):
        places = {key: place for place, key in enumerate(dict.fromkeys(one))}
        for other in keys[at + 1 :]:
            common = [places[key] for key in dict.fromkeys(other) if key in places]
            count += sum(second < first for first, second in pairwise(common))
    return count


def _first_after(items: Sequence[Item], time: float) -> float:
    """Return the time at which the first message arrived that was emitted after a time."""
    times = [item.received for item in items if isinstance(item, Heard) and item.at >= time]
    return min(times, default=float("inf"))
