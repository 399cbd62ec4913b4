"""The bodies of frames between the hub and its peers."""

from __future__ import annotations

import math

import pytest

from c10kws.events.brokers.history import HistoryLimits, Position
from c10kws.events.brokers.hub import codec
from c10kws.events.brokers.hub.framing import FrameParser, ProtocolError, frame

LIMITS = HistoryLimits(100, 2.5)
PLACE = Position("k3", 41)


def body_of(data: bytes) -> codec.Body:
    ((_, body),) = FrameParser().receive_data(data)
    return codec.Body(body)


def test_what_is_written_is_read() -> None:
    assert body_of(codec.hello(4711)).greeting() == (codec.FORMAT, 4711)
    for limits in (LIMITS, None):
        body = body_of(codec.publish("raum:ü", b"\0a", limits))
        assert (body.limits(), body.text(), body.rest()) == (limits, "raum:ü", b"\0a")
    for position in (PLACE, None):
        body = body_of(codec.message(position, "", b""))
        assert (body.position(), body.text(), body.rest()) == (position, "", b"")
    body = body_of(codec.ask_rows("c", PLACE))
    assert (body.position(), body.text()) == (PLACE, "c")
    body.end()
    for expected in (None, PLACE):
        body = body_of(codec.update(expected, "c", [b"\0b", b""], HistoryLimits(1, 2)))
        assert (body.position(), body.limits()) == (expected, HistoryLimits(1, 2))
        assert (body.text(), body.payloads()) == ("c", [b"\0b", b""])
    for payload in (None, b"", b"\0b"):
        body = body_of(codec.last(PLACE, payload))
        assert (body.position(), body.row()) == (PLACE, payload)
    body = body_of(codec.row(PLACE, b"abc"))
    assert (body.position(), body.rest()) == (PLACE, b"abc")


def test_a_name_may_have_a_lone_surrogate() -> None:
    assert body_of(codec.publish("\ud800", b"", None)).limits() is None
    (data,) = codec.channels(codec.SUBSCRIBE, ["\ud800"])
    assert list(body_of(data).texts()) == ["\ud800"]


def test_many_channels_are_in_several_frames() -> None:
    names = [f"room:/chat:{number:08}" for number in range(10_000)] + ["x" * 100_000]
    frames = list(codec.channels(codec.SUBSCRIBE, names))
    assert 3 < len(frames) < 10
    assert [name for each in frames for name in body_of(each).texts()] == names
    assert list(codec.channels(codec.SUBSCRIBE, [])) == []


@pytest.mark.parametrize(
    ("data", "method"),
    [
        (b"", "greeting"),
        (b"GET / HTTP/1.1\r\n\r\n", "greeting"),
        (codec.MAGIC + b"\0", "greeting"),
        (b"\0\0\0", "text"),
        (b"\0\0\0\x05abcd", "text"),
        (b"\0\0\0\x01\xff", "text"),
        (b"", "limits"),
        (b"\x02", "limits"),
        (b"\x01\0\0", "limits"),
        (b"\x01" + bytes(24), "limits"),
        (b"", "position"),
        (b"\x01", "position"),
        (b"\x01\x05abc", "position"),
        (b"\x01\x01\xff" + bytes(8), "position"),
        (b"\x01\x01a\0", "position"),
        (b"a", "end"),
    ],
)
def test_what_no_peer_sends(data: bytes, method: str) -> None:
    with pytest.raises(ProtocolError):
        getattr(codec.Body(data), method)()


def test_limits_that_are_no_number() -> None:
    limits = HistoryLimits(1, 1.0)
    object.__setattr__(limits, "ttl", math.nan)
    with pytest.raises(ProtocolError):
        body_of(codec.publish("a", b"", limits)).limits()


def test_positions_of_clients() -> None:
    assert codec.is_possible(PLACE)
    for position in (
        Position("k" * 256, 1),
        Position("ü", 1),
        Position("k", -1),
        Position("k", 2**64),
    ):
        assert not codec.is_possible(position)


def test_a_position_that_must_be_there() -> None:
    assert codec.required(PLACE) is PLACE
    with pytest.raises(ProtocolError):
        codec.required(None)


def test_the_kinds_are_different() -> None:
    names = [
        name for name in vars(codec) if name.isupper() and not name.startswith(("_", "M", "F"))
    ]
    kinds = [getattr(codec, name) for name in names]
    assert len(set(kinds)) == len(kinds) == 16
    assert frame(codec.PING)[4] == codec.PING
