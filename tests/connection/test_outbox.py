"""Queue of messages that cannot be sent yet."""

from __future__ import annotations

import asyncio

import pytest

from c10kws.connection.items import Overflow, Ping
from c10kws.connection.outbox import Outbox
from c10kws.connection.pings import MAX_PINGS, TooManyPings
from c10kws.protocol.closing import Close


def test_an_outbox_keeps_order_and_counts_bytes() -> None:
    outbox = Outbox(limit=10)
    assert outbox.put("x" * 100)  # one always fits
    assert not outbox.put("no room")
    assert outbox.put(Overflow())
    assert outbox.put(Overflow(2))  # one stands for all
    assert outbox.put(Close(1000))
    assert [outbox.get(), outbox.get(), outbox.get()] == ["x" * 100, Overflow(3), Close(1000)]
    assert not outbox
    assert outbox.put(b"again")
    assert outbox.get() == b"again"


def test_an_outbox_bounds_the_pings() -> None:
    outbox = Outbox(limit=10)
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        for _ in range(MAX_PINGS):
            outbox.put(Ping(loop.create_future()))
        with pytest.raises(TooManyPings, match=r"Too many unanswered Pings \(64\)"):
            outbox.put(Ping(loop.create_future()))
        outbox.get()
        assert outbox.put(Ping(loop.create_future())) is not None
