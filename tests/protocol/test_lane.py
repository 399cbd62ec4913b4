"""The fast lane and wsproto say the same (RFC 6455 §5), however the bytes of the peer are cut."""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.speedups import websocket_mask
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

from c10kws.protocol import frames
from c10kws.protocol.closing import Close, State
from c10kws.protocol.deflate import Deflate
from c10kws.protocol.fastlane import PlainFrame, read_frames
from c10kws.protocol.frames import Mask, mask_slowly, read_head
from c10kws.protocol.messages import Message
from c10kws.protocol.negotiation import Compression, negotiate
from c10kws.protocol.received import Ended, Event, PingReceived, PongReceived
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
from tests.support.protocols import receive_all, take_end

LIMIT = 300
RSV1 = 0x40
MASKS: dict[str, Mask] = {"tornado": websocket_mask, "slow": mask_slowly}
EXTENSIONS = {
    "plain": "",
    "deflate": "permessage-deflate; client_max_window_bits",
    "alone": "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
}
masks = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
lanes = pytest.mark.parametrize("fast_lane", [True, False], ids=["lane", "wsproto"])


def make_protocol(
    fast_lane: bool, mask: Mask, extension: str = "plain", limit: int = LIMIT
) -> ServerProtocol:
    options = Compression()
    agreement = negotiate(EXTENSIONS[extension], options)
    deflate = Deflate(agreement, options, limit) if agreement else None
    return ServerProtocol(limit, mask=mask, deflate=deflate, fast_lane=fast_lane)


# What a peer sends


class Client:
    """Compresses messages as the peer of ``EXTENSIONS[extension]`` does (RFC 7692 §7.2.1)."""

    def __init__(self, extension: str) -> None:
        self.extension = extension
        self.deflater = zlib.compressobj(6, zlib.DEFLATED, -9)

    def compress(self, data: bytes) -> bytes:
        if self.extension == "alone":
            self.deflater = zlib.compressobj(6, zlib.DEFLATED, -9)
        return (self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def raw_frame(first: int, payload: bytes, form: int, masked: bool) -> bytes:
    """A frame with any first byte; ``form`` is how many bytes its length has, fitting or not."""
    size = len(payload)
    short, extended = {
        0: (min(size, 125), b""),
        2: (126, size.to_bytes(2, "big")),
        8: (127, size.to_bytes(8, "big")),
    }[form]
    if not masked:
        return bytes([first, short]) + extended + payload
    return bytes([first, 0x80 | short]) + extended + MASK + mask_slowly(MASK, payload)


@dataclass(frozen=True)
class Whole:
    """A message in fragments, with control frames between them."""

    opcode: int
    data: bytes
    cuts: list[int]
    controls: list[bytes]
    compressed: bool

    def encode(self, client: Client) -> list[bytes]:
        data, first = self.data, self.opcode
        if self.compressed:
            data, first = client.compress(data), RSV1 | self.opcode
        parts = cut(data, self.cuts)
        frames = []
        for number, part in enumerate(parts):
            opcode = CONTINUATION if number else first
            frames.append(frame(opcode, part, fin=number == len(parts) - 1))
        between = itertools.chain(self.controls, itertools.repeat(b""))
        return list(itertools.chain(*zip(frames, between, strict=False)))


@dataclass(frozen=True)
class Frames:
    """Frames as they are, or bytes that may pass for them."""

    frames: list[bytes]

    def encode(self, _client: Client) -> list[bytes]:
        return self.frames


def cut(data: bytes, positions: Iterable[int]) -> list[bytes]:
    """Cut ``data`` into pieces; positions beyond its end begin anew at its front."""
    inside = sorted({position % (len(data) + 1) for position in positions})
    return [data[a:b] for a, b in itertools.pairwise([0, *inside, len(data)])]


payloads = st.one_of(
    st.text(max_size=30).map(str.encode),
    st.binary(max_size=30),
    st.sampled_from([0, 1, 124, 125, 126, 127, LIMIT - 1, LIMIT]).map(b"x".__mul__),
    st.sampled_from([LIMIT + 1, LIMIT + 50]).map(b"y".__mul__),
    st.sampled_from([b"\xff", b"ok\xc3", b"\xed\xa0\x80", "é".encode() * (LIMIT // 2)]),
)
texts = st.text(max_size=60).map(str.encode)
positions = st.lists(st.integers(0, 400), max_size=4)
controls = st.builds(frame, st.sampled_from([PING, PONG]), st.binary(max_size=8))
good = st.builds(
    Whole,
    st.sampled_from([TEXT, BINARY]),
    st.one_of(texts, texts, payloads),
    st.one_of(st.just([]), positions),
    st.lists(controls, max_size=3),
    st.booleans(),
)
codes = st.one_of(st.sampled_from([999, 1000, 1005, 1011, 1015, 2999, 4000]), st.integers(0, 65535))
broken = st.one_of(
    # Any opcode, FIN and reserved bits, lengths not in the shortest form, with and without a mask.
    st.builds(raw_frame, st.integers(0, 255), payloads, st.sampled_from([2, 8]), st.booleans()),
    st.builds(
        raw_frame,
        st.integers(0, 255),
        st.binary(max_size=125),
        st.just(0),
        st.sampled_from([True, True, False]),
    ),
    st.builds(
        raw_frame,
        st.sampled_from([FIN | TEXT, FIN | BINARY, TEXT, FIN | CONTINUATION, FIN | RSV1 | TEXT]),
        payloads,
        st.sampled_from([2, 8]),
        st.booleans(),
    ),
    st.builds(frame, st.sampled_from([TEXT, BINARY, CONTINUATION]), payloads, st.booleans()),
    st.builds(frame, st.sampled_from([RSV1 | TEXT, RSV1 | BINARY]), payloads, st.booleans()),
    st.builds(close_frame, codes, st.text(max_size=5)),
    st.builds(frame, st.just(CLOSE), st.binary(max_size=130)),
    st.binary(max_size=20),
    st.integers(1, 2**64 - 1).map(lambda size: b"\x82\xff" + size.to_bytes(8, "big") + MASK),
    # No mask, and a long length that a frame may seem to begin with.
    st.sampled_from([b"\x82\x7e", b"\x82\x7f", b"\x01\x7e", b"\x00\x7f", b"\xc1\x7e"]).flatmap(
        lambda head: st.builds(frame, st.sampled_from([TEXT, BINARY, PING]), texts).map(
            head.__add__
        )
    ),
).map(lambda data: Frames([data]))
#: A message that does not end, and one that may not begin there.
interrupted = st.builds(
    lambda *frames: Frames(list(frames)),
    st.builds(frame, st.sampled_from([TEXT, BINARY]), texts, st.just(False)),
    st.builds(frame, st.sampled_from([TEXT, BINARY]), texts),
)
pinged = controls.map(lambda data: Frames([data]))
steps = st.lists(st.one_of(good, good, good, good, broken, interrupted, pinged), max_size=8)
mutations = st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=2)


@dataclass(frozen=True)
class Stream:
    """What a peer sent, and where its frames end."""

    data: bytes
    ends: list[int]

    def cut(self, start: int, stop: int, positions: Positions) -> list[bytes]:
        """Cut a part of it at ``positions``, or at the ends of frames."""
        if positions is None:
            positions = [end - start for end in self.ends if start <= end <= stop]
        return cut(self.data[start:stop], positions)


Positions = Iterable[int] | None
cuts: st.SearchStrategy[Positions] = st.one_of(
    st.just([]),
    st.just(range(5000)),
    st.none(),
    st.lists(st.integers(0, 2000), max_size=12),
)


@st.composite
def streams(draw: st.DrawFn, extension: str) -> Stream:
    client = Client(extension)
    frames = [each for step in draw(steps) for each in step.encode(client)]
    data = bytearray(b"".join(frames))
    if data and draw(st.integers(0, 3)) == 0:
        for position, byte in draw(mutations):
            data[position % len(data)] = byte
    return Stream(bytes(data), list(itertools.accumulate(map(len, frames))))


# What a protocol says to it


@dataclass
class Said:
    """All that came out of a protocol."""

    protocol: ServerProtocol
    messages: list[Message] = field(default_factory=list)
    pongs: list[bytes] = field(default_factory=list)
    answers: bytes = b""
    end: Close | None = None

    def feed(self, pieces: Iterable[bytes]) -> None:
        for piece in pieces:
            self.messages += receive_all(self.protocol, piece)
            assert self.protocol.events != []  # callers look at it before they take
            for event in self.protocol.take_events():
                self.take(event)

    def take(self, event: Event) -> None:
        match event:
            case PingReceived():
                self.answers += event.pong
            case PongReceived():
                self.pongs.append(event.payload)
            case Ended():
                assert self.end is None
                self.end = event.close
                self.answers += event.answer

    def closing(self) -> tuple[State, Close | None, bytes]:
        return self.protocol.state, self.end, self.answers


#: Ends any head that is under way; where wsproto refuses it earlier, both have refused it then.
PADDING = bytes(16)


def compare(
    one: Said,
    other: Said,
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


@settings(deadline=None, max_examples=800, print_blob=True)
@given(st.data(), st.sampled_from(list(MASKS)), extensions, close_positions, cuts)
def test_lane_and_wsproto_say_the_same(
    data: st.DataObject, mask: str, extension: str, close_at: int | None, positions: Positions
) -> None:
    stream = data.draw(streams(extension))
    one = Said(make_protocol(True, MASKS[mask], extension))
    other = Said(make_protocol(False, MASKS[mask], extension))
    compare(one, other, stream, close_at, positions, positions)
    assert one.closing() == other.closing()


@settings(deadline=None, max_examples=400, print_blob=True)
@given(st.data(), extensions, st.integers(0, 1500), cuts)
def test_what_had_come_before_our_close_is_delivered_however_late_it_is_read(
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


@settings(deadline=None, max_examples=800, print_blob=True)
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
    one = Said(make_protocol(True, websocket_mask, extension))
    other = Said(make_protocol(fast_lane, websocket_mask, extension))
    compare(one, other, stream, close_at, positions, others)
    assert one.protocol.state == other.protocol.state
    ends = one.end, other.end
    codes = {end.code for end in ends if end}
    if extension != "plain" and one.protocol.state is State.FAILED and len(codes) == 2:
        # Compressed data broken in two ways: which is seen first depends on the piece.
        assert codes < {1002, 1007, 1008, 1009}
        return
    assert one.closing() == other.closing()


#: Ends of a connection, each behind a message and cut at each of its bytes.
ENDS = {
    "new text in a message": (frame(TEXT, b"a", fin=False) + frame(TEXT, b"\xc3"), 1002),
    "new text behind half a character": (frame(TEXT, b"\xc3", False) + frame(BINARY, b"b"), 1002),
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
    for cuts in [*([at] for at in range(len(data))), range(len(data))]:
        said = Said(make_protocol(fast_lane, websocket_mask, extension))
        said.feed(cut(data, cuts))
        assert said.messages == ["before"], cuts
        assert said.end is not None and said.end.code == code, cuts


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_what_had_come_before_our_close_is_the_same_in_both(extension: str) -> None:
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
        said = Said(make_protocol(fast_lane, websocket_mask, "deflate"))
        length = size.to_bytes(8, "big") if size >= 65536 else size.to_bytes(2, "big")
        form = 127 if size >= 65536 else 126
        said.feed([bytes([FIN | RSV1 | BINARY, 0x80 | form]) + length + MASK])
        assert (said.end == Close(1009, f"message over {LIMIT} bytes")) is refused


@pytest.mark.parametrize("level", [0, 1, 9])
def test_a_compressed_message_of_the_limit_fits_whatever_it_holds(level: int) -> None:
    """Random bytes cannot be compressed; each flush adds to them."""
    payload = random.Random(1).randbytes(LIMIT)
    deflater = zlib.compressobj(level, zlib.DEFLATED, -9, 1)
    data = b"".join(
        deflater.compress(payload[at : at + 10]) + deflater.flush(zlib.Z_SYNC_FLUSH)
        for at in range(0, LIMIT, 10)
    )[:-4]
    said = Said(make_protocol(True, websocket_mask, "deflate"))
    said.feed([frame(RSV1 | BINARY, data)])
    assert said.messages == [payload]


@lanes
def test_a_plain_frame_within_a_message_finds_no_free_lane(fast_lane: bool) -> None:
    said = Said(make_protocol(fast_lane, websocket_mask))
    said.feed([frame(TEXT, fin=False), frame(TEXT, b"whole")])
    assert said.messages == []
    assert said.end == Close(1002, "protocol error")


@lanes
def test_a_plain_frame_after_our_close_finds_no_free_lane(fast_lane: bool) -> None:
    said = Said(make_protocol(fast_lane, websocket_mask))
    said.protocol.send_close(1000)
    said.feed([frame(TEXT, b"late"), frame(PING) + frame(BINARY, b"later"), close_frame(1000)])
    assert said.messages == []
    assert said.end == Close(1000, "")


@lanes
@pytest.mark.parametrize("head", [b"\x82\x7e", b"\x82\x7f", b"\x82\x7f\x00\x00", b"\x02\x7e"])
def test_an_unmasked_head_of_a_long_frame_is_no_way_into_the_lane(
    fast_lane: bool, head: bytes
) -> None:
    said = Said(make_protocol(fast_lane, websocket_mask))
    said.feed([head + frame(TEXT, b"smuggled") + frame(BINARY, b"too")])
    assert said.messages == []
    assert said.end == Close(1002, "protocol error")


@masks
@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_both_read_frames_of_every_form_of_length(mask: Mask, opcode: int, size: int) -> None:
    data = frame(opcode, b"x" * size)
    head = len(data) - size
    message = "x" * size if opcode == TEXT else b"x" * size
    for at in {*range(1, head + 6), len(data) // 2, len(data) - 1}:
        for fast_lane in (True, False):
            said = Said(make_protocol(fast_lane, mask, limit=65536))
            said.feed([data[:at], data[at:] + frame(TEXT, b"next")])
            assert said.messages == [message, "next"]


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


def test_every_payload_byte_in_the_lane_is_unmasked_once_and_in_order() -> None:
    payloads = [bytes([number]) * (number * 7 % 200) for number in range(40)]
    stream = b"".join(frame(BINARY, payload) for payload in payloads)
    for step in (1, 2, 3, 5, 7, 11, 64, 131, len(stream)):
        unmasked: list[bytes] = []

        def mask(key: bytes, data: bytes, seen: list[bytes] = unmasked) -> bytes:
            seen.append(websocket_mask(key, data))
            return seen[-1]

        protocol = ServerProtocol(1000, mask=mask)
        messages: list[Message] = []
        for start in range(0, len(stream), step):
            messages += receive_all(protocol, stream[start : start + step])
        assert messages == payloads
        assert b"".join(unmasked) == b"".join(payloads)


# The parts of the lane


@masks
def test_take_stops_where_a_frame_is_not_whole(mask: Mask) -> None:
    data = frame(TEXT, "é".encode()) + frame(BINARY, b"ab") + frame(TEXT, b"whole?")
    whole = len(frame(TEXT, b"xx")) * 2
    for end in range(whole, len(data)):
        messages: list[Message] = []
        assert read_frames(data[:end], 0, messages, mask, 100) == whole
        assert messages == ["é", b"ab"]


def test_take_begins_where_it_is_told() -> None:
    messages: list[Message] = []
    data = b"head" + frame(TEXT, b"a")
    assert read_frames(data, 4, messages, websocket_mask, 100) == len(data)
    assert messages == ["a"]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537])
def test_take_reads_every_form_of_length_up_to_the_limit(size: int) -> None:
    data = frame(BINARY, b"x" * size)
    messages: list[Message] = []
    assert read_frames(data, 0, messages, websocket_mask, size) == len(data)
    assert messages == [b"x" * size]
    assert size == 0 or read_frames(data, 0, messages, websocket_mask, size - 1) == 0


@pytest.mark.parametrize(
    "data",
    [
        frame(TEXT, b"a", fin=False),
        frame(CONTINUATION, b"a"),
        frame(PING, b"a"),
        frame(CLOSE),
        frame(RSV1 | TEXT, b"a"),
        frame(0x20 | BINARY, b"a"),
        frame(0x10 | BINARY, b"a"),
        frame(3, b"a"),
        frame(TEXT, b"\xff"),
        raw_frame(FIN | BINARY, b"abcdef", 0, masked=False),
        raw_frame(FIN | BINARY, b"x" * 125, 2, masked=True),
        raw_frame(FIN | BINARY, b"x" * 125, 8, masked=True),
        raw_frame(FIN | BINARY, b"x" * 65535, 8, masked=True),
        raw_frame(FIN | BINARY, b"x" * 126, 2, masked=False),
        b"\x82\xff" + (2**63).to_bytes(8, "big") + MASK,
    ],
)
def test_take_leaves_what_is_not_plain(data: bytes) -> None:
    messages: list[Message] = []
    plain = frame(BINARY, b"ok")
    assert read_frames(plain + data + plain, 0, messages, websocket_mask, 2**64) == len(plain)
    assert messages == [b"ok"]


@pytest.mark.parametrize(
    ("size", "body"), [(0, 6), (125, 6), (126, 8), (65535, 8), (65536, 14), (70000, 14)]
)
def test_read_head_waits_for_the_whole_head(size: int, body: int) -> None:
    data = b"??" + frame(BINARY, b"x" * size)
    for end in range(2, 2 + body):
        assert read_head(data[:end], 2) is None
    assert read_head(data[: 2 + body], 2) == (size, 2 + body)
    assert read_head(data, 2) == (size, 2 + body)


@pytest.mark.parametrize("form", [2, 8])
@pytest.mark.parametrize("size", [0, 125, 126, 65535])
def test_a_length_not_in_its_shortest_form_is_negative(form: int, size: int) -> None:
    head = read_head(raw_frame(FIN | BINARY, b"x" * size, form, masked=True), 0)
    assert head is not None
    assert head[0] == (size if form == 2 and size > 125 else -1)


def test_a_head_without_a_mask_has_a_negative_size() -> None:
    for second in range(0x7E):
        head = read_head(bytes([FIN | BINARY, second]) + bytes(12), 0)
        assert head is not None and head[0] < 0


@masks
def test_pieces_turn_the_key_with_the_bytes(mask: Mask) -> None:
    payload = bytes(range(50))
    data = frame(BINARY, payload)[6:]
    for step in range(1, 51):
        pieces = PlainFrame(frames.BINARY, MASK, len(payload), mask)
        for start in range(0, len(data), step):
            assert pieces.left
            piece = data[start : start + step]
            assert pieces.read(piece, 0) == len(piece)
        assert not pieces.left
        assert pieces.result == payload


@masks
def test_pieces_join_characters_that_were_cut(mask: Mask) -> None:
    text = "né€\N{GRINNING FACE}"
    data = frame(TEXT, text.encode())[6:]
    pieces = PlainFrame(frames.TEXT, MASK, len(data), mask)
    for position in range(len(data)):
        assert pieces.read(data[: position + 1], position) == position + 1
    assert pieces.result == text


def test_pieces_take_only_what_is_theirs() -> None:
    data = frame(TEXT, b"abcd") + b"next"
    pieces = PlainFrame(frames.TEXT, MASK, 4, websocket_mask)
    assert pieces.read(data[:8], 6) == 8
    assert pieces.read(data[8:], 0) == 2
    assert not pieces.left
    assert pieces.result == "abcd"


@pytest.mark.parametrize(
    "data", [b"ok\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90", b"\xc0", b"\xf8"]
)
def test_pieces_refuse_a_text_as_soon_as_it_is_broken(data: bytes) -> None:
    pieces = PlainFrame(frames.TEXT, MASK, 100, websocket_mask)
    assert pieces.read(websocket_mask(MASK, data), 0) == 0
    assert pieces.result == Close(1007, "data that is not valid")


def test_pieces_refuse_a_text_that_ends_within_a_character() -> None:
    pieces = PlainFrame(frames.TEXT, MASK, 2, websocket_mask)
    pieces.read(websocket_mask(MASK, b"a"), 0)
    pieces.read(websocket_mask(MASK[1:] + MASK[:1], b"\xc3"), 0)
    assert pieces.result == Close(1007, "data that is not valid")


@lanes
@masks
def test_a_broken_text_is_refused_before_its_frame_is_whole(fast_lane: bool, mask: Mask) -> None:
    data = frame(TEXT, "né".encode() + b"\xff" + b"x" * 100)
    said = Said(make_protocol(fast_lane, mask))
    said.feed([data[:7], data[7:9]])
    assert said.protocol.state is State.OPEN
    said.feed([data[9:10]])
    assert said.end == Close(1007, "data that is not valid")
    assert said.answers == b"\x88\x18\x03\xefdata that is not valid"


@lanes
def test_a_frame_that_came_half_before_our_close_is_not_delivered(fast_lane: bool) -> None:
    said = Said(make_protocol(fast_lane, websocket_mask))
    data = frame(TEXT, b"half") + close_frame(1000)
    said.feed([data[:8]])
    said.protocol.send_close(1000)
    said.feed([data[8:]])
    assert said.messages == []
    assert said.end == Close(1000, "")


# What we send


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537])
@pytest.mark.parametrize("character", ["x", "é", b"\x00"])
def test_frames_that_we_send_are_wsprotos(size: int, character: Message) -> None:
    message = character * size
    event: TextMessage | BytesMessage = (
        TextMessage(message) if isinstance(message, str) else BytesMessage(message)
    )
    expected = bytes(Connection(ConnectionType.SERVER).send(event))
    assert frames.make_frame(message) == expected
    for fast_lane in (True, False):
        assert ServerProtocol(1, fast_lane=fast_lane).send_message(message) == expected


def test_the_heads_of_short_frames_are_those_of_make_frame() -> None:
    assert len(frames.TEXT_HEADS) == len(frames.BINARY_HEADS) == 126
    for size, (text, binary) in enumerate(zip(frames.TEXT_HEADS, frames.BINARY_HEADS, strict=True)):
        assert text + b"x" * size == frames.make_frame("x" * size)
        assert binary + b"x" * size == frames.make_frame(b"x" * size)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_messages_that_we_send_are_the_same_with_the_lane_and_without(extension: str) -> None:
    with_lane = make_protocol(True, websocket_mask, extension)
    without = make_protocol(False, websocket_mask, extension)
    for message in ("a", "a" * 255, "a" * 256, "é" * 127, "é" * 128, b"", b"x" * 1000, "a" * 300):
        assert with_lane.send_message(message) == without.send_message(message)
