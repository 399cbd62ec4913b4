"""The verdict on what clients have heard."""

from __future__ import annotations

from collections.abc import Sequence

from tests.faults.client import Heard, Item, Reset
from tests.faults.verdict import Ledger, Verdict, judge


def items(*numbers: int | None, sender: str = "a") -> list[Item]:
    """Return items; None is a reset. Each number was emitted at its own time."""
    return [Reset() if each is None else Heard(sender, each, each, each + 0.5) for each in numbers]


def verdict(*heard: Sequence[Item], failed: Sequence[int] = (), sent: int = 5) -> Verdict:
    outcomes = {("a", number): number not in failed for number in range(1, sent + 1)}
    return judge(Ledger(dict(outcomes)), heard, [True] * len(heard), mended=3.0)


def test_all_is_well() -> None:
    assert verdict(items(1, 2, 3, 4, 5)) == Verdict(5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5)


def test_a_loss_is_announced_by_a_reset_between_its_neighbours() -> None:
    assert verdict(items(1, None, 4, 5)).missed == 2
    assert verdict(items(1, 4, None, 5)).unannounced == 2
    assert verdict(items(None, 1, 4, 5)).unannounced == 2
    assert verdict(items(None, 3, 4, 5)).missed == 2
    assert verdict(items(1, 2, 3, None)).missed == 2
    assert verdict(items(1, 2, 3)).unannounced == 2


def test_a_failed_message_is_lost_only_if_another_client_has_it() -> None:
    without = items(1, 2, 4, 5)
    assert verdict(without, failed=[3]).unannounced == 0
    found = verdict(without, items(1, 2, 3, 4, 5), failed=[3])
    assert (found.unannounced, found.late, found.failed) == (1, 1, 1)


def test_duplicates_and_disorder_are_counted() -> None:
    assert verdict(items(1, 2, 2, 3, 4, 5, 2)).twice == 2
    assert verdict(items(1, 3, 2, 4, 5)).disordered == 1


def test_clients_must_agree_on_the_order() -> None:
    other = items(1, sender="b")
    one = [*items(1, 2), *other, *items(3, 4, 5)]
    two = [*items(1, 2, 3), *other, *items(4, 5)]
    assert verdict(one, two).disordered == 1
    assert verdict(one, one).disordered == 0
