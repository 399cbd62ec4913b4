"""Calls of protocols: delivery of bytes, sizes at which they pause, and their exceptions."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

import pytest

from c10kws_tornado.raw.protocols import HIGH_WATER, feed, replay_end, report, water_marks


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        self.closing = False

    def is_closing(self) -> bool:
        return self.closing


class Plain(asyncio.Protocol):
    def __init__(self) -> None:
        self.received: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self.received.append(data)


class Buffered(asyncio.BufferedProtocol):
    """It closes its transport after so many pieces."""

    def __init__(self, transport: Transport, size: int, most: int = 100) -> None:
        self.received: list[bytes] = []
        self._transport = transport
        self._buffer = bytearray(size)
        self._most = most

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.received.append(bytes(self._buffer[:nbytes]))
        self._transport.closing = len(self.received) == self._most


def test_a_protocol_gets_all_at_once() -> None:
    protocol = Plain()
    feed(protocol, b"abc", Transport())
    feed(protocol, b"", Transport())
    assert protocol.received == [b"abc"]


def test_a_closing_transport_delivers_nothing() -> None:
    transport = Transport()
    transport.closing = True
    protocols = Plain(), Buffered(transport, 10)
    for each in protocols:
        feed(each, b"abc", transport)
        assert each.received == []


def test_a_buffered_protocol_gets_pieces_of_its_buffers_size() -> None:
    transport = Transport()
    protocol = Buffered(transport, 4)
    feed(protocol, b"abcdefghij", transport)
    assert protocol.received == [b"abcd", b"efgh", b"ij"]


def test_a_buffered_protocol_that_closes_gets_no_more() -> None:
    transport = Transport()
    protocol = Buffered(transport, 4, most=2)
    feed(protocol, b"abcdefghij", transport)
    assert protocol.received == [b"abcd", b"efgh"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, (HIGH_WATER, HIGH_WATER // 4)),
        ({"high": 100}, (100, 25)),
        ({"low": 100}, (400, 100)),
        ({"high": 100, "low": 0}, (100, 0)),
        ({"high": 0}, (0, 0)),
    ],
)
def test_water_marks_have_asyncios_defaults(arguments: Any, expected: Any) -> None:
    assert water_marks(**arguments) == expected


@pytest.mark.parametrize(("high", "low"), [(10, 11), (10, -1)])
def test_water_marks_in_the_wrong_order(high: int, low: int) -> None:
    with pytest.raises(ValueError, match=rf"high \({high}\) must be >= low \({low}\)"):
        water_marks(high, low)


def test_an_exception_goes_to_the_loops_handler() -> None:
    loop, reported = asyncio.new_event_loop(), []
    loop.set_exception_handler(lambda _, context: reported.append(context))
    protocol, error = Plain(), ValueError()
    report(loop, protocol, error)
    loop.close()
    assert reported == [{"message": "A protocol raised.", "exception": error, "protocol": protocol}]


@pytest.mark.parametrize("error", [None, RuntimeError("the handler is closed"), LookupError()])
def test_a_protocol_learns_of_an_end_before_its_beginning(error: Exception | None) -> None:
    """uvloop's closed transport raises RuntimeError where a protocol writes."""
    calls: list[str] = []

    class Greeting(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            calls.append("made")
            if error is not None:
                raise error

        def connection_lost(self, exc: Exception | None) -> None:
            calls.append("lost")

    with nullcontext() if not isinstance(error, LookupError) else pytest.raises(LookupError):
        replay_end(Greeting(), Transport())
    assert calls == ["made", "lost"]
