"""Both lanes read the same (RFC 6455 §5), wherever TCP cuts the bytes of the client."""

from __future__ import annotations

import itertools
import random
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.speedups import websocket_mask

from c10kws.protocol.closing import Close, State
from c10kws.protocol.deflate import Deflate
from c10kws.protocol.frames import Mask
from c10kws.protocol.negotiation import Compression, negotiate
from c10kws.protocol.received import Ended, PingReceived, PongReceived
from c10kws.protocol.server import ServerProtocol
from tests.support.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    FIN,
    MASK,
    PING,
    PONG,
    TEXT,
    close_frame,
    frame,
)
from tests.support.protocols import MASKS, LongReads, Recorder, lanes, masks, receive_all, take_end
from tests.support.streams import (
    EXTENSIONS,
    LIMIT,
    RSV1,
    Client,
    Positions,
    Stream,
    Whole,
    cut,
    cuts,
    raw_frame,
    streams,
)


def make_protocol(
    fast_lane: bool, mask: Mask, extension: str = "plain", limit: int = LIMIT
) -> ServerProtocol:
    options = Compression()
    agreement = negotiate(EXTENSIONS[extension], options)
    deflate = Deflate(agreement, options, limit) if agreement else None
    return ServerProtocol(limit, mask=mask, deflate=deflate, fast_lane=fast_lane)


#: Ends any head that is under way; where wsproto refuses it earlier, both have refused it then.
PADDING = bytes(16)


def compare(
    one: Recorder,
    other: Recorder,
    stream: Stream,
    close_at: int | None,
    cut_one: Positions,
    cut_other: Positions,
) -> None:
    """Feed both, send a Close in the middle of both, and compare whenever they have as much."""
    size = len(stream.data)
    stops = [size] if close_at is None else [close_at % (size + 1), size]
    start = 0
    for number, stop in enumerate(stops):
        one.feed(stream.cut(start, stop, cut_one))
        other.feed(stream.cut(start, stop, cut_other))
        assert one.messages == other.messages
        assert one.pongs == other.pongs
        both_open = one.protocol.state is other.protocol.state is State.OPEN
        if number < len(stops) - 1 and both_open:
            assert one.protocol.send_close(1001) == other.protocol.send_close(1001)
        start = stop
    one.feed([PADDING])
    other.feed([PADDING])
    assert one.messages == other.messages
    assert one.pongs == other.pongs


# The differential tests


extensions = st.sampled_from(list(EXTENSIONS))
close_positions = st.none() | st.integers(0, 1500)


@settings(deadline=None, max_examples=500, print_blob=True)
@given(st.data(), st.sampled_from(list(MASKS)), extensions, close_positions, cuts)
def test_both_lanes_read_the_same(
    data: st.DataObject, mask: str, extension: str, close_at: int | None, positions: Positions
) -> None:
    stream = data.draw(streams(extension))
    one = Recorder(make_protocol(True, MASKS[mask], extension))
    other = Recorder(make_protocol(False, MASKS[mask], extension))
    compare(one, other, stream, close_at, positions, positions)
    assert one.closing() == other.closing()


@settings(deadline=None, max_examples=300, print_blob=True)
@given(st.data(), st.booleans(), st.sampled_from(list(MASKS)), extensions, close_positions, cuts)
def test_long_reads_are_read_the_same(
    data: st.DataObject,
    fast_lane: bool,
    mask: str,
    extension: str,
    close_at: int | None,
    positions: Positions,
) -> None:
    stream = data.draw(streams(extension))
    one = Recorder(make_protocol(fast_lane, MASKS[mask], extension))
    other = LongReads(make_protocol(fast_lane, MASKS[mask], extension))
    compare(one, other, stream, close_at, positions, positions)
    assert one.closing() == other.closing()


@settings(deadline=None, max_examples=300, print_blob=True)
@given(st.data(), extensions, st.integers(0, 1500), cuts)
def test_messages_received_before_our_close_are_delivered_however_late_they_are_read(
    data: st.DataObject, extension: str, close_at: int, positions: Positions
) -> None:
    """Read before our Close or after it, in the lane or not."""
    stream = data.draw(streams(extension))
    close_at %= len(stream.data) + 1
    delivered = []
    for fast_lane, late in itertools.product((True, False), repeat=2):
        protocol = make_protocol(fast_lane, websocket_mask, extension)
        messages = protocol.receive_data(stream.data[:close_at])
        while protocol.has_more and not late:
            messages += protocol.receive_data(b"")
        if protocol.state is State.OPEN:
            protocol.send_close(1000)
        for piece in filter(None, stream.cut(close_at, len(stream.data), positions)):
            assert protocol.receive_data(piece) == []
        while protocol.has_more:
            messages += protocol.receive_data(b"")
        assert protocol.receive_data(b"") == []
        delivered.append(messages)
    assert delivered[1:] == delivered[:1] * 3


@settings(deadline=None, max_examples=500, print_blob=True)
@given(st.data(), st.booleans(), extensions, close_positions, cuts, cuts)
def test_a_cut_changes_nothing(
    data: st.DataObject,
    fast_lane: bool,
    extension: str,
    close_at: int | None,
    positions: Positions,
    others: Positions,
) -> None:
    stream = data.draw(streams(extension))
    one = Recorder(make_protocol(True, websocket_mask, extension))
    other = Recorder(make_protocol(fast_lane, websocket_mask, extension))
    compare(one, other, stream, close_at, positions, others)
    assert one.protocol.state == other.protocol.state
    ends = one.end, other.end
    codes = {end.code for end in ends if end}
    if extension != "plain" and one.protocol.state is State.FAILED and len(codes) == 2:
        # Compressed data broken in two ways: which is seen first depends on the piece.
        assert codes < {1002, 1007, 1008, 1009}
        return
    assert one.closing() == other.closing()


#: Ends of a connection; each comes after a message, and is cut at each of its bytes.
ENDS = {
    "new text in a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"\xc3"), 1002),
    "new text after half a character": (frame(TEXT, b"\xc3", False) + frame(BINARY, b"b"), 1002),
    "new message in a message": (frame(BINARY, b"a", False) + frame(BINARY, b"b", False), 1002),
    "compressed message in a message": (
        frame(BINARY, b"a", fin=False) + frame(RSV1 | BINARY, b"\x00\xff" * 9),
        1002,
    ),
    "continuation of nothing": (frame(CONTINUATION, b"\xff" * 5), 1002),
    "frame over the limit": (frame(TEXT, b"\xff" * (LIMIT + 1)), 1009),
    "fragments over the limit": (
        frame(BINARY, b"x" * LIMIT, fin=False) + frame(CONTINUATION, b"x"),
        1009,
    ),
    "reserved bit": (b"\xa1" + frame(TEXT, b"\xff")[1:], 1002),
    "reserved opcode": (frame(3, b"x" * 9), 1002),
    "long control frame": (frame(PING, b"x" * 126), 1002),
    "no mask": (raw_frame(FIN | TEXT, b"x" * 200, 2, masked=False), 1002),
    "long form": (raw_frame(FIN | TEXT, b"x", 8, masked=True), 1002),
    "broken text": (frame(TEXT, b"ab\xff" + b"x" * 50), 1007),
    "broken fragment": (frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"\xff"), 1007),
    "half a character": (frame(TEXT, b"ab\xc3"), 1007),
    "close": (close_frame(1014, "bad gateway"), 1014),
    "close of a byte": (frame(CLOSE, b"x"), 1002),
    "close with a reserved code": (close_frame(1005), 1002),
    "close with a broken reason": (frame(CLOSE, b"\x03\xe8\xff"), 1007),
}


@lanes
@pytest.mark.parametrize("extension", ["plain", "deflate"])
@pytest.mark.parametrize(("data", "code"), ENDS.values(), ids=ENDS)
def test_an_end_is_the_same_wherever_tcp_cut_it(
    data: bytes, code: int, extension: str, fast_lane: bool
) -> None:
    data = frame(TEXT, b"before") + data
    for positions in [*([at] for at in range(len(data))), range(len(data))]:
        recorder = Recorder(make_protocol(fast_lane, websocket_mask, extension))
        recorder.feed(cut(data, positions))
        assert recorder.messages == ["before"], positions
        assert recorder.end is not None and recorder.end.code == code, positions


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_messages_received_before_our_close_are_the_same_in_both(extension: str) -> None:
    """Our Close is sent after the first message; the handler reads on."""
    client = Client(extension)
    data = b"".join(
        [
            *Whole(TEXT, b"one", [], [], extension != "plain").encode(client),
            frame(TEXT, b"two"),
            frame(PING, b"unanswered"),
            *Whole(TEXT, b"three", [2], [], False).encode(client),
            *Whole(BINARY, b"four", [1], [], extension != "plain").encode(client),
            frame(BINARY, b"five"),
        ]
    )
    late = frame(TEXT, b"late") + close_frame(1000)
    expected = ["one", "two", "three", b"four", b"five"]
    for at in range(len(data), len(data) + len(late)):
        for fast_lane in (True, False):
            protocol = make_protocol(fast_lane, websocket_mask, extension)
            messages = protocol.receive_data((data + late)[:at])
            protocol.send_close(1000)
            if at < len(data) + len(late):
                assert protocol.receive_data((data + late)[at:]) == []
            while protocol.has_more:
                messages += protocol.receive_data(b"")
            whole = len(data) + len(frame(TEXT, b"late"))
            assert messages == expected + ["late"] * (at >= whole), (at, fast_lane)
            assert take_end(protocol) == Close(1000, "")


@lanes
def test_a_compressed_frame_that_no_message_within_the_limit_needs_is_refused_by_its_head(
    fast_lane: bool,
) -> None:
    bound = 2 * LIMIT + 1024
    for size, refused in ((bound, False), (bound + 1, True), (2**62, True)):
        recorder = Recorder(make_protocol(fast_lane, websocket_mask, "deflate"))
        length = size.to_bytes(8, "big") if size >= 65536 else size.to_bytes(2, "big")
        form = 127 if size >= 65536 else 126
        recorder.feed([bytes([FIN | RSV1 | BINARY, 0x80 | form]) + length + MASK])
        assert (recorder.end == Close(1009, f"message over {LIMIT} bytes")) is refused


@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_compressed_message_of_the_limit_fits_whatever_it_holds(level: int) -> None:
    """Random bytes cannot be compressed; each flush adds to them."""
    payload = random.Random(1).randbytes(LIMIT)
    deflater = zlib.compressobj(level, zlib.DEFLATED, -9, 1)
    data = b"".join(
        deflater.compress(payload[at : at + 10]) + deflater.flush(zlib.Z_SYNC_FLUSH)
        for at in range(0, LIMIT, 10)
    )[:-4]
    recorder = Recorder(make_protocol(True, websocket_mask, "deflate"))
    recorder.feed([frame(RSV1 | BINARY, data)])
    assert recorder.messages == [payload]


@lanes
def test_a_plain_frame_within_a_message_finds_no_free_lane(fast_lane: bool) -> None:
    recorder = Recorder(make_protocol(fast_lane, websocket_mask))
    recorder.feed([frame(TEXT, fin=False), frame(TEXT, b"whole")])
    assert recorder.messages == []
    assert recorder.end == Close(1002, "protocol error")


@lanes
def test_a_plain_frame_after_our_close_finds_no_free_lane(fast_lane: bool) -> None:
    recorder = Recorder(make_protocol(fast_lane, websocket_mask))
    recorder.protocol.send_close(1000)
    recorder.feed([frame(TEXT, b"late"), frame(PING) + frame(BINARY, b"later"), close_frame(1000)])
    assert recorder.messages == []
    assert recorder.end == Close(1000, "")


@lanes
@pytest.mark.parametrize("head", [b"\x82\x7e", b"\x82\x7f", b"\x82\x7f\x00\x00", b"\x02\x7e"])
def test_an_unmasked_head_of_a_long_frame_is_no_way_into_the_lane(
    fast_lane: bool, head: bytes
) -> None:
    recorder = Recorder(make_protocol(fast_lane, websocket_mask))
    recorder.feed([head + frame(TEXT, b"smuggled") + frame(BINARY, b"too")])
    assert recorder.messages == []
    assert recorder.end == Close(1002, "protocol error")


@masks
@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_both_read_frames_of_every_form_of_length(mask: Mask, opcode: int, size: int) -> None:
    data = frame(opcode, b"x" * size)
    head = len(data) - size
    message = "x" * size if opcode == TEXT else b"x" * size
    for at in {*range(1, head + 6), len(data) // 2, len(data) - 1}:
        for fast_lane in (True, False):
            recorder = Recorder(make_protocol(fast_lane, mask, limit=65536))
            recorder.feed([data[:at], data[at:] + frame(TEXT, b"next")])
            assert recorder.messages == [message, "next"]


# The parsers neither lose a byte nor hand one over twice


STREAM = b"".join(
    [
        frame(TEXT, "né".encode()),
        frame(BINARY, bytes(range(126))),
        frame(TEXT, b"\xf0\x9f", fin=False),
        frame(PING, b"?"),
        frame(CONTINUATION, b"\x98\x80!"),
        frame(BINARY),
        frame(PONG, b"."),
        frame(TEXT, "ü".encode()),
        close_frame(1000, "bye"),
        frame(TEXT, b"late"),
    ]
)
EVENTS = [
    PingReceived(b"\x8a\x01?"),
    PongReceived(b"."),
    Ended(Close(1000, "bye"), b"\x88\x05\x03\xe8bye"),
]
MESSAGES = ["né", bytes(range(126)), "\N{GRINNING FACE}!", b"", "ü"]


@lanes
def test_every_pair_of_cuts(fast_lane: bool) -> None:
    middle = range(30, 130)  # of the longest payload
    places = [at for at in range(1, len(STREAM)) if at not in middle or at % 9 == 0]
    for first, second in itertools.combinations(places, 2):
        protocol = ServerProtocol(1000, mask=websocket_mask, fast_lane=fast_lane)
        messages = receive_all(protocol, STREAM[:first])
        messages += receive_all(protocol, STREAM[first:second])
        messages += receive_all(protocol, STREAM[second:])
        assert messages == MESSAGES, (first, second)
        assert protocol.take_events() == EVENTS, (first, second)


@lanes
@masks
def test_a_broken_text_is_refused_before_its_frame_is_whole(fast_lane: bool, mask: Mask) -> None:
    data = frame(TEXT, "né".encode() + b"\xff" + b"x" * 100)
    recorder = Recorder(make_protocol(fast_lane, mask))
    recorder.feed([data[:7], data[7:9]])
    assert recorder.protocol.state is State.OPEN
    recorder.feed([data[9:10]])
    assert recorder.end == Close(1007, "data that is not valid")
    assert recorder.answers == b"\x88\x18\x03\xefdata that is not valid"


@lanes
def test_a_frame_that_came_half_before_our_close_is_not_delivered(fast_lane: bool) -> None:
    recorder = Recorder(make_protocol(fast_lane, websocket_mask))
    data = frame(TEXT, b"half") + close_frame(1000)
    recorder.feed([data[:8]])
    recorder.protocol.send_close(1000)
    recorder.feed([data[8:]])
    assert recorder.messages == []
    assert recorder.end == Close(1000, "")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_messages_that_we_send_are_the_same_with_the_lane_and_without(extension: str) -> None:
    with_lane = make_protocol(True, websocket_mask, extension)
    without = make_protocol(False, websocket_mask, extension)
    for message in ("a", "a" * 255, "a" * 256, "é" * 127, "é" * 128, b"", b"x" * 1000, "a" * 300):
        assert with_lane.send_message(message) == without.send_message(message)
