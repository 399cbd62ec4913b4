"""Histories in memory."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws.events.brokers import store as module
from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.hub.hub import Hub
from c10kws.events.brokers.memory import MemoryBroker
from c10kws.events.brokers.message import Message
from c10kws.events.brokers.store import NUMBER_TTL, Store

LIMITS = HistoryLimits(size=3, ttl=60, max_bytes=100)


class Clock:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> Store[str]:
    return Store(clock)


def rows_since(store: Store[str], since: Position) -> list[tuple[int, str]] | None:
    rows = store.rows_since("chat", since)
    return None if rows is None else [(position.seq, row) for position, row in rows]


def test_rows_are_numbered_and_bounded(store: Store[str]) -> None:
    begin = store.position("chat", LIMITS)
    assert begin.seq == 0
    for number, text in enumerate("abcd", 1):
        assert store.append("chat", text, 10, LIMITS) == Position(begin.epoch, number)
    assert rows_since(store, Position(begin.epoch, 2)) == [(3, "c"), (4, "d")]
    assert rows_since(store, Position(begin.epoch, 1)) == [(2, "b"), (3, "c"), (4, "d")]
    assert rows_since(store, Position(begin.epoch, 4)) == []
    assert rows_since(store, begin) is None  # "a" is not kept any more
    assert rows_since(store, Position(begin.epoch, 5)) is None
    assert rows_since(store, Position("other", 4)) is None
    assert store.rows_since("never used", begin) is None


def test_rows_are_bounded_in_bytes(store: Store[str]) -> None:
    epoch = store.append("chat", "a", 60, LIMITS).epoch
    store.append("chat", "b", 60, LIMITS)
    assert rows_since(store, Position(epoch, 1)) == [(2, "b")]
    assert rows_since(store, Position(epoch, 0)) is None
    store.append("chat", "c", 1000, LIMITS)
    assert rows_since(store, Position(epoch, 2)) is None
    assert rows_since(store, Position(epoch, 3)) == []


def test_rows_expire_before_their_number(store: Store[str], clock: Clock) -> None:
    last = store.append("chat", "a", 1, LIMITS)
    clock.now = 59.9
    assert rows_since(store, Position(last.epoch, 0)) == [(1, "a")]
    clock.now = 60
    assert rows_since(store, Position(last.epoch, 0)) is None
    assert rows_since(store, last) == []
    assert store.append("chat", "b", 1, LIMITS) == Position(last.epoch, 2)
    clock.now += 60 + NUMBER_TTL
    assert rows_since(store, Position(last.epoch, 2)) is None
    assert store.position("chat", LIMITS).epoch != last.epoch


def test_expired_channels_do_not_stay_in_memory(store: Store[str], clock: Clock) -> None:
    for number in range(100):
        store.append(f"room {number}", "a", 1, LIMITS)
    clock.now = NUMBER_TTL + 61
    for _ in range(50):
        store.append("chat", "a", 1, LIMITS)
    assert len(store) == 1


def test_the_quietest_history_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is a limit for the channels, and one for the bytes of all rows."""
    monkeypatch.setattr(module, "MAX_CHANNELS", 3)
    store: Store[str] = Store()
    for channel, ttl in (("a", 60), ("b", 30), ("c", 90)):
        store.append(channel, "row", 10, HistoryLimits(5, ttl))
    before = {channel: store.position(channel, HistoryLimits(5, 60)) for channel in "abc"}
    store.position("d", HistoryLimits(5, 60))
    assert (len(store), store.size, store.forgotten) == (3, 20, 1)
    assert store.rows_since("b", before["b"]) is None
    assert store.rows_since("a", before["a"]) == []
    monkeypatch.setattr(module, "MAX_BYTES", 25)
    store.append("d", "row", 10, HistoryLimits(5, 120))
    assert (len(store), store.size) == (2, 20)
    assert store.rows_since("a", before["a"]) is None
    store.append("d", "row", 100, HistoryLimits(5, 120))  # alone it fits always
    assert (len(store), store.size) == (1, 110)


def test_a_removed_history_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "MAX_CHANNELS", 1)
    broker = MemoryBroker("default", {})
    hub = Hub(lambda: None, lambda: None)
    for channel in "abc":
        broker.publish(channel, Message("row"), LIMITS, Emission())
        hub.publish(channel, b"row", LIMITS)
    text = "Histories that were removed because all together are too large: "
    assert [each.getMessage() for each in caplog.records] == [f"{text}1.", f"{text}2."]
    assert [*hub._lines] == [f"{text}1.", f"{text}2."]


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"size": 0, "ttl": 60}, "above 0"),
        ({"size": 5, "ttl": float("nan")}, "above 0"),
        ({"size": 5, "ttl": 60, "max_bytes": -1}, "above 0"),
        ({"size": 5.5, "ttl": 60}, "integers"),
        ({"size": 5, "ttl": 60, "max_bytes": 1e6}, "integers"),
        ({"size": 5, "ttl": float("inf")}, "finite"),
    ],
)
def test_limits_that_no_broker_can_keep(limits: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        HistoryLimits(**limits)
