"""``FrameParser``: frames one at a time, and their limits; the client's frames are made by hand."""

from __future__ import annotations

import tracemalloc

import pytest
from tornado.speedups import websocket_mask

from c10kws.protocol.closing import Close
from c10kws.protocol.frame_parser import MAX_HEADS, Control, FrameParser
from c10kws.protocol.frames import BrokenFrame
from c10kws.protocol.messages import MAX_FRAGMENTS, Message
from c10kws.protocol.received import PingReceived, PongReceived
from c10kws.protocol.slowlane import SlowLane
from tests.support.frames import (
    BINARY,
    CONTINUATION,
    FIN,
    MASK,
    PING,
    PONG,
    TEXT,
    close_frame,
    frame,
)
from tests.support.protocols import lanes


def make_parser(limit: int, *, fast_lane: bool) -> FrameParser:
    lane = SlowLane(limit, None)
    return FrameParser(lane, websocket_mask, fast_lane=fast_lane, max_inflated=limit)


@pytest.fixture(params=[True, False], ids=["lane", "wsproto"])
def parser(request: pytest.FixtureRequest) -> FrameParser:
    return make_parser(1000, fast_lane=request.param)


def read(parser: FrameParser, data: bytes) -> list[Message | Control]:
    """Return what each call has read, and the Close for a broken frame."""
    parser.add(data)
    received: list[Message | Control] = []
    more = True
    while more:
        messages: list[Message] = []
        controls: list[Control] = []
        more = parser.read(messages, controls)
        received += [*controls, *messages]
    return [each.close if isinstance(each, BrokenFrame) else each for each in received]


def test_messages_and_control_frames_keep_their_order(parser: FrameParser) -> None:
    data = frame(PING, b"1") + frame(TEXT, b"2") + frame(PONG, b"3") + close_frame(4000, "4")
    ping, pong = PingReceived(b"\x8a\x011"), PongReceived(b"3")
    assert read(parser, data + frame(TEXT, b"5")) == [ping, "2", pong, Close(4000, "4")]
    assert parser.rest == b""


def test_frames_that_come_in_pieces(parser: FrameParser) -> None:
    data = frame(TEXT, b"1") + frame(PING, b"2") + frame(BINARY, b"3", fin=False)
    pieces = [bytes([byte]) for byte in data + frame(CONTINUATION, b"4")]
    received = [each for piece in pieces for each in read(parser, piece)]
    assert received == ["1", PingReceived(b"\x8a\x012"), b"34"]


@lanes
def test_the_lane_is_open_between_messages(fast_lane: bool) -> None:
    parser = make_parser(1000, fast_lane=fast_lane)
    assert parser.lane_open is fast_lane
    for begun, rest in [
        (frame(TEXT, b"12")[:3], frame(TEXT, b"12")[3:]),
        (frame(TEXT, b"12")[:-1], frame(TEXT, b"12")[-1:]),
        (frame(TEXT, b"1", fin=False), frame(CONTINUATION, b"2")),
    ]:
        assert read(parser, begun) == []
        assert parser.lane_open is False
        assert read(parser, rest) == ["12"]
        assert parser.lane_open is fast_lane


def test_forgotten_data_is_not_kept(parser: FrameParser) -> None:
    assert read(parser, frame(TEXT, b"half")[:-1]) == []
    assert parser.frame is not None
    parser.add(b"more")
    assert parser.rest == b"more"
    parser.forget()
    assert parser.frame is None
    assert parser.rest == b""


def test_a_call_reads_a_bounded_number_of_frames(parser: FrameParser) -> None:
    """Empty control frames weigh six bytes: a long read has ten thousands of them."""
    parser.add(frame(PONG) * 5 * MAX_HEADS)
    controls: list[Control] = []
    assert parser.read([], controls)
    assert 0 < len(controls) <= MAX_HEADS + 1
    assert len(read(parser, b"")) >= 4 * MAX_HEADS - 1


def test_a_message_of_the_limit_passes_and_one_byte_more_does_not(
    parser: FrameParser,
) -> None:
    assert read(parser, frame(BINARY, b"x" * 1000)) == [b"x" * 1000]
    assert read(parser, frame(BINARY, b"x" * 1001)) == [Close(1009, "message over 1000 bytes")]


def test_a_text_is_measured_in_bytes(parser: FrameParser) -> None:
    assert read(parser, frame(TEXT, ("é" * 500).encode())) == ["é" * 500]
    assert read(parser, frame(TEXT, ("é" * 501).encode()))[-1:] == [
        Close(1009, "message over 1000 bytes")
    ]


def test_fragments_add_up(parser: FrameParser) -> None:
    data = frame(BINARY, b"x" * 600, fin=False) + frame(CONTINUATION, b"x" * 600)
    assert read(parser, data) == [Close(1009, "message over 1000 bytes")]


def head(first: int, size: int) -> bytes:
    """The head of a frame whose payload never comes."""
    if size < 65536:
        return bytes([first, 0x80 | 126]) + size.to_bytes(2, "big") + MASK
    return bytes([first, 0x80 | 127]) + size.to_bytes(8, "big") + MASK


@pytest.mark.parametrize("size", [1001, 65536, 2**62])
@pytest.mark.parametrize("first", [0x81, 0x82, 0x01, 0x02])
def test_a_frame_over_the_limit_is_refused_by_its_head(
    parser: FrameParser, first: int, size: int
) -> None:
    assert read(parser, frame(TEXT, b"before") + head(first, size)) == [
        "before",
        Close(1009, "message over 1000 bytes"),
    ]


def test_a_fragment_over_what_is_left_is_refused_by_its_head(parser: FrameParser) -> None:
    assert read(parser, frame(BINARY, b"x" * 600, fin=False)) == []
    assert read(parser, head(FIN | CONTINUATION, 401)) == [Close(1009, "message over 1000 bytes")]


@pytest.mark.parametrize(
    ("begun", "first"), [(b"", 0x80), (b"", 0x00), (frame(TEXT, b"a", fin=False), 0x81)]
)
def test_a_frame_that_may_not_stand_there_is_refused_by_its_head(
    parser: FrameParser, begun: bytes, first: int
) -> None:
    assert read(parser, begun + head(first, 2**62)) == [Close(1002, "protocol error")]


def test_a_length_of_64_bits_is_a_protocol_error(parser: FrameParser) -> None:
    assert read(parser, head(0x82, 2**63)) == [Close(1002, "protocol error")]


def test_empty_fragments_are_counted(parser: FrameParser) -> None:
    events = read(parser, frame(BINARY, fin=False))
    empty = frame(CONTINUATION, fin=False) * 1000
    while not events:
        events = read(parser, empty)
    assert events == [Close(1009, f"message of over {MAX_FRAGMENTS} fragments")]


@lanes
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("how", ["pieces", "fragments"])
def test_a_message_that_comes_byte_by_byte_holds_little_more_than_its_size(
    how: str, opcode: int, fast_lane: bool
) -> None:
    size = 8_000
    parser = make_parser(size, fast_lane=fast_lane)
    if how == "pieces":
        pieces = [bytes([byte]) for byte in frame(opcode, b"x" * size)]
    else:
        first, other = frame(opcode, b"x", fin=False), frame(CONTINUATION, b"x", fin=False)
        pieces = [first, *[other] * (size - 2), frame(CONTINUATION, b"x")]
    received: list[Message | Control] = []
    tracemalloc.start()
    try:
        for piece in pieces:
            received += read(parser, piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert received == ["x" * size if opcode == TEXT else b"x" * size]
    assert peak < 2 * size + 50_000  # pieces that are not joined would be 460 KB
