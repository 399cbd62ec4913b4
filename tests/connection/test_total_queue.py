"""Bytes queued for all clients of the process."""

from __future__ import annotations

from c10kws.connection.items import HEAD, Overflow, SharedMessage, weigh
from c10kws.connection.total_queue import TotalQueue
from c10kws.protocol.closing import Close


def test_items_weigh_what_they_cost() -> None:
    assert weigh("é") == 2 + HEAD
    assert weigh(b"abc") == 3 + HEAD
    assert weigh(SharedMessage("abc", b"frame")) == 5
    assert [weigh(Close(1000)), weigh(Overflow())] == [0, 0]


def test_a_broadcast_counts_once_however_many_hold_it() -> None:
    total, item = TotalQueue(), SharedMessage("abc", bytes(100))
    for _ in range(3):
        total.hold(item)
    total.hold("xy")
    total.hold(50)
    assert total.size == 100 + 2 + HEAD + 50
    total.release(item)
    total.release(item)
    assert total.size == 100 + 2 + HEAD + 50
    total.release(item)
    total.release("xy")
    total.release(50)
    assert total.size == 0
