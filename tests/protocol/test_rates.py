"""Rates, their token buckets, and a protocol that refuses what is above them."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws.protocol import rates
from c10kws.protocol.closing import Close
from c10kws.protocol.messages import Message
from c10kws.protocol.metered import MeteredProtocol
from c10kws.protocol.rates import Bucket, Meter, Rate, byte_rate, message_rate
from c10kws.protocol.received import Ended, PingReceived, RateExceeded
from c10kws.protocol.server import ServerProtocol
from tests.support.frames import BINARY, CONTINUATION, PING, TEXT, close_frame, frame

ONE = frame(TEXT, b"x")


class Clock:
    """The time, which stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rates, "monotonic", clock)
    return clock


def metered(
    messages: str | None = None, bytes_: str | None = None, **options: Any
) -> MeteredProtocol:
    """Return a protocol with a limit of 100 bytes for a message."""
    meter = Meter(
        message_rate(messages) if messages else None,
        byte_rate(bytes_) if bytes_ else None,
        max_message_size=100,
    )
    return MeteredProtocol(meter, 100, **options)


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("20/s", Rate(20, 1, "20 messages in 1 s")),
        ("200/10s", Rate(200, 10, "200 messages in 10 s")),
        ("1000/min", Rate(1000, 60, "1000 messages in 1 min")),
        ("1/2h", Rate(1, 7200, "1 messages in 2 h")),
    ],
)
def test_a_rate_of_messages(text: str, rate: Rate) -> None:
    assert message_rate(text) == rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("64KiB/s", Rate(65536, 1, "65536 bytes in 1 s")),
        ("10MiB/min", Rate(10 * 2**20, 60, "10485760 bytes in 1 min")),
        ("50000/s", Rate(50000, 1, "50000 bytes in 1 s")),
    ],
)
def test_a_rate_of_bytes(text: str, rate: Rate) -> None:
    assert byte_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "20", "20/", "/s", "0/s", "-1/s", "1.5/s", "20/0s", "20 /s", "20/sec", "20/s ", "٣/s"],
)
@pytest.mark.parametrize("parse", [message_rate, byte_rate])
def test_a_malformed_rate(parse: Any, text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a rate of (messages|bytes); write for example"):
        parse(text)


def test_messages_have_no_unit_of_bytes() -> None:
    with pytest.raises(ValueError, match='"20/s", "200/10s" or "1000/min"'):
        message_rate("20KiB/s")


def test_a_bucket_refills_evenly_up_to_its_capacity(clock: Clock) -> None:
    bucket = Bucket(message_rate("10/5s"), 10)
    assert [bucket.take(8), bucket.take(8), bucket.take(8)] == [8, 2, 0]
    clock.now += 1.4
    assert bucket.take(8) == 2
    clock.now += 0.1  # with the rest of before
    assert bucket.take(8) == 1
    clock.now += 1_000_000
    assert bucket.take(20) == 10


def test_a_bucket_gives_credit_once(clock: Clock) -> None:
    bucket = Bucket(byte_rate("100/s"), 100)
    assert bucket.spend(99)
    assert bucket.spend(101)
    assert not bucket.spend(1)
    clock.now += 1.0
    assert not bucket.spend(1)
    clock.now += 0.5
    assert bucket.spend(1)


@pytest.mark.parametrize("fast_lane", [True, False])
def test_messages_above_the_rate_are_not_returned(clock: Clock, fast_lane: bool) -> None:
    protocol = metered("3/s", fast_lane=fast_lane)
    messages: list[Message] = []
    for data in [ONE * 5, b""] if fast_lane else [ONE, ONE, ONE, ONE]:
        messages += protocol.receive_data(data)
    assert messages == ["x"] * 3
    text = "more than 3 messages in 1 s"
    assert protocol.take_events() == [RateExceeded([], text, Close(4429, text))]
    clock.now += 1 / 3
    assert protocol.receive_data(ONE) == ["x"]
    assert protocol.take_events() == []


def test_a_lenient_meter_reports_them(clock: Clock) -> None:
    protocol = metered("40/s")
    assert protocol.meter is not None
    protocol.meter.be_lenient(lambda messages, reason: None)
    text = "more than 40 messages in 1 s"
    assert len(protocol.receive_data(ONE * 42)) == 40
    assert protocol.take_events() == [RateExceeded(["x"] * 2, text, None)]
    assert protocol.receive_data(ONE * 38) == []
    assert protocol.take_events() == [RateExceeded(["x"] * 38, text, None)]
    assert protocol.receive_data(ONE) == []
    assert protocol.take_events() == [RateExceeded([], text, Close(4429, text))]


def test_accepted_messages_offset_refused_ones(clock: Clock) -> None:
    protocol = metered("2/s")
    assert protocol.meter is not None
    protocol.meter.be_lenient(lambda messages, reason: None)
    for _ in range(20):  # of which 15 seconds are too fast
        assert len(protocol.receive_data(ONE * 4)) == 2
        ((event),) = protocol.take_events()
        assert isinstance(event, RateExceeded)
        assert event.close is None
        assert len(event.messages) == 2
        clock.now += 1
        assert len(protocol.receive_data(ONE * 2)) == 2
        clock.now += 1


def test_bytes_count_as_received(clock: Clock) -> None:
    """A message of the longest size can be sent at once, whatever the rate."""
    protocol = metered(bytes_="10/s")
    assert protocol.receive_data(frame(BINARY, bytes(100))) == [bytes(100)]
    assert protocol.events is None
    text = "more than 10 bytes in 1 s"
    assert protocol.receive_data(ONE) == []
    assert protocol.take_events() == [RateExceeded([], text, Close(4429, text))]
    clock.now += 2
    assert protocol.receive_data(frame(PING, b"x")) == []
    assert protocol.take_events() == [PingReceived(b"\x8a\x01x")]


def test_data_without_a_whole_message_counts_too(clock: Clock) -> None:
    protocol = metered(bytes_="10/s")
    assert protocol.meter is not None
    protocol.meter.be_lenient(lambda messages, reason: None)
    protocol.receive_data(frame(TEXT, bytes(90), fin=False) + frame(CONTINUATION, fin=False) * 2)
    closes = []
    for _ in range(40):
        protocol.receive_data(frame(CONTINUATION, fin=False))
        closes += [each.close for each in protocol.take_events() if isinstance(each, RateExceeded)]
    assert closes[:32] == [None] * 32
    assert closes[32] == Close(4429, "more than 10 bytes in 1 s")


def test_nothing_is_measured_after_the_end(clock: Clock) -> None:
    protocol = metered("1/s")
    assert protocol.receive_data(ONE + close_frame(1000) + ONE * 9) == ["x"]
    assert protocol.receive_data(b"") == []
    (ended,) = protocol.take_events()
    assert isinstance(ended, Ended)
    assert protocol.receive_data(ONE * 9) == []
    assert protocol.events is None


def test_most_protocols_have_no_meter() -> None:
    assert ServerProtocol(100).meter is None
