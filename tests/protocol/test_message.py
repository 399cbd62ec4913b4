"""What may be sent, and as what."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from c10kws.connection.items import Overflow, Ping
from c10kws.connection.outbox import Outbox
from c10kws.connection.pings import MAX_PINGS, TooManyPings
from c10kws.protocol.closing import Close
from c10kws.protocol.messages import as_message


@pytest.mark.parametrize(
    ("data", "opcode", "message"),
    [
        ("é", None, "é"),
        ("é", 1, "é"),
        ("é", 2, "é".encode()),
        (b"\xff", None, b"\xff"),
        (b"\xc3\xa9", 1, "é"),
        (bytearray(b"a"), None, b"a"),
        (memoryview(b"a"), 1, "a"),
        ("", None, ""),
    ],
)
def test_the_opcode_overrides_the_type(data: Any, opcode: Any, message: str | bytes) -> None:
    result = as_message(data, opcode)
    assert result == message
    assert type(result) is type(message)


@pytest.mark.parametrize(
    ("data", "opcode", "error"),
    [
        (None, None, TypeError),
        ({"a": 1}, None, TypeError),
        (1, 1, TypeError),
        ("x", 8, ValueError),
        ("x", 0, ValueError),
        (b"\xff", 1, ValueError),
        ("\ud800", None, ValueError),
        ("\ud800", 2, ValueError),
    ],
)
def test_what_is_no_message_is_refused_where_it_is_written(
    data: Any, opcode: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        as_message(data, opcode)


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
