"""Data frames that wsproto parses: fragments, compressed frames, text that is not UTF-8."""

from __future__ import annotations

import pytest

from c10kws.protocol.closing import Close
from c10kws.protocol.deflate import Deflate
from c10kws.protocol.frames import BrokenFrame, read_head
from c10kws.protocol.messages import Message
from c10kws.protocol.negotiation import Compression
from c10kws.protocol.slowlane import SLICE, SlowFrame, SlowLane
from tests.support.frames import BINARY, CONTINUATION, FIN, TEXT, deflated, frame
from tests.support.protocols import agree
from tests.support.streams import RSV1


def begin(lane: SlowLane, data: bytes) -> SlowFrame | BrokenFrame:
    head = read_head(data, 0)
    assert head is not None
    size, body = head
    return lane.begin_frame(data[0], size, body)


def read(lane: SlowLane, data: bytes) -> Message | Close | None:
    """Begin a frame and read all of it."""
    slow = begin(lane, data)
    if isinstance(slow, BrokenFrame):
        return slow.close
    position = 0
    while slow.remaining and not isinstance(slow.result, Close):
        position = slow.read(data, position)
    return slow.result


def test_a_message_in_fragments() -> None:
    lane = SlowLane(100, None)
    assert lane.message is None
    assert read(lane, frame(TEXT, "é".encode()[:1], fin=False)) is None
    assert lane.message is not None
    assert read(lane, frame(CONTINUATION, "é".encode()[1:], fin=False)) is None
    assert read(lane, frame(CONTINUATION)) == "é"
    assert lane.message is None


def test_a_frame_is_read_in_pieces_and_not_further() -> None:
    lane = SlowLane(100, None)
    data = frame(BINARY, b"abc")
    slow = begin(lane, data)
    assert isinstance(slow, SlowFrame)
    assert slow.read(data[:4], 0) == 4
    assert slow.remaining == len(data) - 4
    assert slow.result is None
    assert slow.read(data + b"next", 4) == len(data)
    assert slow.remaining == 0
    assert slow.result == b"abc"


@pytest.mark.parametrize("first", [CONTINUATION, FIN | CONTINUATION])
def test_a_continuation_of_nothing_is_refused_by_its_head(first: int) -> None:
    broken = SlowLane(100, None).begin_frame(first, 5, 6)
    assert isinstance(broken, BrokenFrame)
    assert broken.close == Close(1002, "protocol error")


@pytest.mark.parametrize("first", [TEXT, BINARY, FIN | TEXT, FIN | BINARY])
def test_a_new_message_within_a_message_is_refused_by_its_head(first: int) -> None:
    lane = SlowLane(100, None)
    read(lane, frame(TEXT, b"a", fin=False))
    broken = lane.begin_frame(first, 5, 6)
    assert isinstance(broken, BrokenFrame)
    assert broken.close == Close(1002, "protocol error")


def test_fragments_over_the_limit_are_refused_by_their_head() -> None:
    lane = SlowLane(10, None)
    read(lane, frame(BINARY, b"x" * 10, fin=False))
    broken = lane.begin_frame(FIN | CONTINUATION, 1, 6)
    assert isinstance(broken, BrokenFrame)
    assert broken.close == Close(1009, "message over 10 bytes")


def test_a_text_that_is_not_utf_8_is_refused_where_it_begins() -> None:
    lane = SlowLane(100, None)
    data = frame(TEXT, b"\xff")
    slow = begin(lane, data)
    assert isinstance(slow, SlowFrame)
    assert slow.read(data, 0) == 0
    assert slow.result == Close(1007, "data that is not valid")


def test_a_compressed_frame_is_inflated_in_slices() -> None:
    options = Compression()
    deflate = Deflate(agree("permessage-deflate", options), options, 10**8)
    lane = SlowLane(10**8, deflate)
    assert deflate.inflated_bytes == 0
    data = frame(RSV1 | BINARY, deflated(bytes(2 * 10**7)))
    slow = begin(lane, data)
    assert isinstance(slow, SlowFrame)
    assert slow.read(data, 0) == SLICE
    first = deflate.inflated_bytes
    assert 0 < first < 1033 * SLICE
    while slow.remaining:
        assert slow.result is None
        slow.read(data, len(data) - slow.remaining)
    assert slow.result == bytes(2 * 10**7)
    assert deflate.inflated_bytes == 2 * 10**7


def test_a_message_to_send_in_fragments() -> None:
    lane = SlowLane(100, None)
    assert lane.make_frame("é", final=False) == b"\x01\x02\xc3\xa9"
    assert lane.make_frame("", final=True) == b"\x80\x00"
    assert lane.make_frame(b"x", final=True) == b"\x82\x01x"
