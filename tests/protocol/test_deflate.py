"""permessage-deflate (RFC 7692 §7.2): messages to and from peers other than wsproto."""

from __future__ import annotations

import itertools
import tracemalloc
import zlib
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from wsproto.frame_protocol import CloseReason

from c10kws.protocol.closing import Close, State
from c10kws.protocol.deflate import Compressor, Deflate, Inflater
from c10kws.protocol.messages import Message
from c10kws.protocol.negotiation import Agreement, Compression
from c10kws.protocol.received import PingReceived, PongReceived
from c10kws.protocol.server import ServerProtocol
from tests.support.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame
from tests.support.protocols import agree, lanes, receive, take_answers

RSV1 = 0x40


OFFER = "permessage-deflate; client_max_window_bits"
ALONE = OFFER + "; server_no_context_takeover; client_no_context_takeover"
EMPTY_BLOCK = b"\x00\x00\xff\xff"


def make_protocol(
    header: str = OFFER, limit: int = 1000, fast_lane: bool = True, **options: Any
) -> ServerProtocol:
    compression = Compression(**options)
    deflate = Deflate(agree(header, compression), compression, limit)
    return ServerProtocol(limit, deflate=deflate, fast_lane=fast_lane)


# Messages that the peer compressed


class Client:
    """Compresses messages (§7.2.1), with a context that lives on between them."""

    def __init__(self, bits: int = 12) -> None:
        self._deflater = zlib.compressobj(6, zlib.DEFLATED, -bits)

    def compress(self, data: bytes) -> bytes:
        return (self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]


def finish(data: bytes) -> bytes:
    """Compress ``data`` with a final block, BFINAL=1 (§7.2.3.4)."""
    deflater = zlib.compressobj(6, zlib.DEFLATED, -12)
    return deflater.compress(data) + deflater.flush(zlib.Z_FINISH)


def compressed(opcode: int, payload: bytes, *cuts: int) -> bytes:
    """A compressed message, in a frame for each piece between ``cuts``."""
    parts = [payload[a:b] for a, b in itertools.pairwise([0, *cuts, len(payload)])]
    opcodes = [RSV1 | opcode, *[CONTINUATION] * len(cuts)]
    ends = [*[False] * len(cuts), True]
    return b"".join(map(frame, opcodes, parts, ends))


def each_byte(protocol: ServerProtocol, data: bytes) -> list[Message | Close]:
    return [event for byte in data for event in receive(protocol, bytes([byte]))]


@pytest.fixture(params=[True, False], ids=["lane", "wsproto"])
def protocol(request: pytest.FixtureRequest) -> ServerProtocol:
    return make_protocol(fast_lane=request.param)


def test_the_examples_of_the_rfc(protocol: ServerProtocol) -> None:
    """§7.2.3: one block, a shared window, no compression, a final block, two blocks, nothing."""
    examples = [
        "f2 48 cd c9 c9 07 00",
        "f2 00 11 00 00",
        "00 05 00 fa ff 48 65 6c 6c 6f 00",
        "f3 48 cd c9 c9 07 00 00",
        "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
    ]
    for example in examples:
        payload = bytes.fromhex(example)
        assert receive(protocol, compressed(TEXT, payload)) == ["Hello"]
        middle = len(payload) // 2
        fresh = make_protocol()
        if example != examples[1]:
            assert receive(fresh, compressed(TEXT, payload, middle)) == ["Hello"]
    assert receive(protocol, compressed(TEXT, b"\x00")) == [""]
    assert receive(protocol, compressed(BINARY, b"\x00")) == [b""]


def test_compressed_and_plain_messages_take_turns(protocol: ServerProtocol) -> None:
    client = Client()
    data = compressed(TEXT, client.compress(b"one")) + frame(TEXT, b"two")
    data += frame(BINARY, b"th", fin=False) + frame(CONTINUATION, b"ree")
    data += compressed(BINARY, client.compress(b"one" * 50)) + frame(TEXT, b"five")
    assert receive(protocol, data) == ["one", "two", b"three", b"one" * 50, "five"]


def test_a_ping_between_the_fragments_of_a_compressed_message(protocol: ServerProtocol) -> None:
    payload = Client().compress(b"compressed " * 20)
    first, second = compressed(TEXT, payload, 9)[:15], compressed(TEXT, payload, 9)[15:]
    assert receive(protocol, first + frame(PING, b"hi") + frame(PONG, b"x")) == []
    assert protocol.take_events() == [PingReceived(b"\x8a\x02hi"), PongReceived(b"x")]
    assert receive(protocol, frame(PING) + second) == ["compressed " * 20]


def test_a_ping_between_fragments_one_byte_at_a_time(protocol: ServerProtocol) -> None:
    payload = Client().compress(b"compressed " * 20)
    ping = frame(PING, b"\x00\x01")
    frames = [compressed(TEXT, payload, 3, 9)[a:b] for a, b in ((0, 9), (9, 21), (21, None))]
    assert each_byte(protocol, ping.join([b"", *frames, b""])) == ["compressed " * 20]
    assert take_answers(protocol) == b"\x8a\x02\x00\x01" * 4


@lanes
@pytest.mark.parametrize("header", [OFFER, ALONE])
@pytest.mark.parametrize("pad", [b"\x00", b""], ids=["padded", "bare"])
def test_a_final_block_does_not_end_the_context(fast_lane: bool, header: str, pad: bytes) -> None:
    """§7.2.3.4; the next message begins a new stream, whether the peer padded this one or not."""
    protocol = make_protocol(header, fast_lane=fast_lane)
    final = compressed(TEXT, finish(b"final") + pad)
    next_one = compressed(TEXT, Client().compress(b"next"))
    assert receive(protocol, final + final + next_one + final) == [
        "final",
        "final",
        "next",
        "final",
    ]
    assert each_byte(protocol, final + next_one) == ["final", "next"]


@pytest.mark.parametrize("pad", [b"\x00", b""], ids=["padded", "bare"])
def test_a_final_block_cut_into_fragments(protocol: ServerProtocol, pad: bytes) -> None:
    payload = finish(b"final " * 9) + pad
    for first, second in itertools.combinations_with_replacement(range(len(payload) + 1), 2):
        data = compressed(BINARY, payload, first, second)
        assert receive(protocol, data + frame(TEXT, b"-")) == [b"final " * 9, "-"]


def test_blocks_after_a_final_block_are_of_the_same_message(protocol: ServerProtocol) -> None:
    payload = finish(b"one ") + finish(b"two ") + Client().compress(b"three")
    assert receive(protocol, compressed(TEXT, payload)) == ["one two three"]
    assert each_byte(protocol, compressed(TEXT, payload)) == ["one two three"]


@lanes
def test_the_context_of_the_client_lives_on(fast_lane: bool) -> None:
    protocol = make_protocol(fast_lane=fast_lane)
    client = Client()
    payloads = [client.compress(b"much the same, each time") for _ in range(3)]
    assert len(payloads[1]) < len(payloads[0]) / 2
    data = b"".join(compressed(TEXT, payload) for payload in payloads)
    assert receive(protocol, data) == ["much the same, each time"] * 3


@lanes
def test_without_context_takeover_each_message_begins_anew(fast_lane: bool) -> None:
    protocol = make_protocol(ALONE, fast_lane=fast_lane)
    for _ in range(3):
        data = compressed(TEXT, Client().compress(b"the same"))
        assert receive(protocol, data) == ["the same"]
    client = Client()
    client.compress(b"the same")
    events = receive(protocol, compressed(TEXT, client.compress(b"the same")))
    assert events == [Close(1007, "data that is not valid")]


@pytest.mark.parametrize("bits", range(9, 16))
def test_the_window_of_the_client_is_as_large_as_agreed(bits: int) -> None:
    protocol = make_protocol(f"{OFFER}={bits}", 10**6, client_max_window_bits=15)
    client = Client(bits)
    message = bytes(number * number % 251 for number in range(2**bits - 300)) * 3
    for _ in range(3):
        assert receive(protocol, compressed(BINARY, client.compress(message))) == [message]


def test_a_client_that_was_asked_for_nothing_may_use_the_largest_window() -> None:
    protocol = make_protocol("permessage-deflate", 10**6)
    assert agree("permessage-deflate", Compression()).client_max_window_bits == 15
    message = bytes(number * number * number % 251 for number in range(30_000))
    client = Client(15)
    for _ in range(2):
        assert receive(protocol, compressed(BINARY, client.compress(message))) == [message]


def test_a_window_of_256_bytes_can_be_inflated() -> None:
    """zlib cannot compress with it; a stored block and a near match stand for a peer that can."""
    protocol = make_protocol(OFFER + "=8")
    stored = bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00")
    assert receive(protocol, compressed(TEXT, stored)) == ["Hello"]
    assert receive(protocol, compressed(TEXT, bytes.fromhex("f2 00 11 00 00"))) == ["Hello"]


# Frames that a peer may not send


@pytest.mark.parametrize(
    "data",
    [
        frame(RSV1 | PING, b"hi"),
        frame(RSV1 | PONG, b"hi"),
        frame(RSV1 | CLOSE, b"\x03\xe8"),
        frame(RSV1 | CONTINUATION, b"\x00"),
        frame(RSV1 | TEXT, b"\x00", fin=False) + frame(RSV1 | CONTINUATION, b"\x00"),
        frame(TEXT, b"a", fin=False) + frame(RSV1 | CONTINUATION, b"\x00"),
        frame(RSV1 | TEXT, b"\x00", fin=False) + frame(RSV1 | PING, b""),
        frame(RSV1 | TEXT, b"\x00", fin=False) + frame(TEXT, b"a"),
        frame(0x20 | TEXT, b"a"),
        frame(0x10 | TEXT, b"a"),
        frame(RSV1 | 0x20 | TEXT, b"\x00"),
    ],
)
def test_reserved_bits_where_none_may_stand(protocol: ServerProtocol, data: bytes) -> None:
    assert receive(protocol, data) == [Close(1002, "protocol error")]
    assert take_answers(protocol) == b"\x88\x10\x03\xeaprotocol error"
    assert protocol.state is State.FAILED


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xff\xff\xff",  # a reserved type of block
        b"\x00\x05\x00\x00\x00Hello",  # a length and its complement that do not fit
        b"\xf2\x00\x11\x00\x00",  # a match before the beginning
        finish(b"fine") + b"\xff",
    ],
)
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_garbage_is_refused(protocol: ServerProtocol, opcode: int, payload: bytes) -> None:
    assert receive(protocol, compressed(opcode, payload)) == [Close(1007, "data that is not valid")]
    assert take_answers(protocol)[2:4] == b"\x03\xef"
    assert receive(protocol, frame(TEXT, b"more")) == []


def test_garbage_is_refused_before_the_message_is_whole(protocol: ServerProtocol) -> None:
    data = frame(RSV1 | BINARY, b"\xff\xff" + b"x" * 900)
    assert receive(protocol, data[:10]) == [Close(1007, "data that is not valid")]


def test_a_text_is_checked_after_it_was_inflated(protocol: ServerProtocol) -> None:
    client = Client()
    split = client.compress("é".encode()[:1])
    assert receive(protocol, frame(RSV1 | TEXT, split + EMPTY_BLOCK, fin=False)) == []
    assert receive(protocol, frame(CONTINUATION, client.compress("é".encode()[1:]))) == ["é"]
    data = compressed(TEXT, client.compress(b"\xff") + EMPTY_BLOCK + b"\x00" * 50)
    assert receive(protocol, data[:-10]) == [Close(1007, "data that is not valid")]


def test_a_compressed_message_after_our_close_is_not_delivered(protocol: ServerProtocol) -> None:
    protocol.send_close(1000)
    data = compressed(TEXT, Client().compress(b"late")) + frame(CLOSE, b"\x03\xe8")
    assert receive(protocol, data) == [Close(1000, "")]


# The limit


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
@pytest.mark.parametrize("cuts", [(), (1,), (0, 1, 2, 3)])
def test_a_message_of_the_limit_passes(
    protocol: ServerProtocol, opcode: int, cuts: tuple[int, ...]
) -> None:
    client = Client()
    message = "é" * 500 if opcode == TEXT else "é".encode() * 500
    for _ in range(3):  # each message is counted for itself
        data = compressed(opcode, client.compress("é".encode() * 500), *cuts)
        assert receive(protocol, data) == [message]
    data = compressed(opcode, client.compress("é".encode() * 500 + b"!"), *cuts)
    (event,) = receive(protocol, data)
    assert isinstance(event, Close)
    assert event.code == 1009
    assert take_answers(protocol)[2:4] == b"\x03\xf1"


def test_an_inflated_message_is_counted_over_final_blocks(protocol: ServerProtocol) -> None:
    assert receive(protocol, compressed(BINARY, finish(b"x" * 500) * 2)) == [b"x" * 1000]
    (event,) = receive(protocol, compressed(BINARY, finish(b"x" * 501) * 2))
    assert isinstance(event, Close)
    assert event.code == 1009


def test_a_limit_of_nothing_lets_an_empty_message_pass() -> None:
    protocol = make_protocol(limit=0)
    assert receive(protocol, compressed(TEXT, b"\x00")) == [""]
    (event,) = receive(protocol, compressed(TEXT, Client().compress(b"x")))
    assert isinstance(event, Close)
    assert event.code == 1009


MIB = 2**20


@pytest.mark.parametrize("piece", [512, 65_536, 2**22])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_bomb_never_holds_more_than_the_limit(opcode: int, piece: int) -> None:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -12)
    # A full flush forgets what was before, so a GiB is this block a thousand times.
    block = deflater.compress(bytes(MIB)) + deflater.flush(zlib.Z_FULL_FLUSH)
    assert zlib.decompressobj(-12).decompress(block) == bytes(MIB)
    payload = block * 1024
    head = bytes([0x80 | RSV1 | opcode, 0xFF]) + len(payload).to_bytes(8, "big") + bytes(4)
    data = head + payload
    assert len(data) < 2 * MIB
    limit = 8 * MIB
    protocol = make_protocol(limit=limit)
    fed = 0
    events: list[Message | Close] = []
    tracemalloc.start()
    try:
        while not events:
            events = receive(protocol, data[fed : fed + piece])
            fed += piece
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    (event,) = events
    assert isinstance(event, Close)
    assert event.code == 1009
    # The result of one piece is in memory three times for a moment: zlib joins its blocks, wsproto
    # makes a bytearray and bytes again. A piece of the wire has copies too; the rest is zlib's.
    inflated = min(limit, piece * 1032)
    assert peak < limit + 2 * inflated + 6 * min(piece, len(data)) + MIB // 4


# The inflater and the compressor alone


def test_an_inflater_gives_pieces_as_they_come() -> None:
    inflater = Inflater(agree(OFFER, Compression()), 1000)
    data = Client().compress(b"Hello" * 100)
    inflater.begin_message()
    pieces = [inflater.inflate(bytes([byte])) for byte in data]
    assert all(isinstance(piece, bytes) for piece in pieces)
    assert b"".join(map(bytes, pieces)) == b"Hello" * 100
    assert inflater.end_message() is None
    assert inflater.total == 500


def test_an_inflater_counts_each_message_for_itself() -> None:
    inflater = Inflater(agree(OFFER, Compression()), 10)
    client = Client()
    for _ in range(3):
        inflater.begin_message()
        assert inflater.inflate(client.compress(b"x" * 10)) == b"x" * 10
        assert inflater.end_message() is None
    inflater.begin_message()
    assert inflater.inflate(client.compress(b"x" * 11)) == CloseReason.MESSAGE_TOO_BIG


def test_an_inflater_refuses_garbage() -> None:
    inflater = Inflater(agree(OFFER, Compression()), 1000)
    inflater.begin_message()
    assert inflater.inflate(b"\xff" * 9) == CloseReason.INVALID_FRAME_PAYLOAD_DATA


@pytest.mark.parametrize("alone", [False, True])
def test_a_compressor_keeps_its_window_unless_it_was_agreed_otherwise(alone: bool) -> None:
    options = Compression(server_no_context_takeover=alone)
    compressor = Compressor(agree(OFFER, options), options)
    payload = bytes(range(200))
    first, second = (compressor.compress(payload, True) for _ in range(2))
    assert (second == first) is alone
    assert (len(second) < 20) is not alone


# Messages that we compress


def parse_frames(data: bytes) -> list[tuple[int, bytes]]:
    """Return the first byte and the payload of each frame that a server sent."""
    frames = []
    while data:
        first, size, start = data[0], data[1], 2
        if size == 126:
            size, start = int.from_bytes(data[2:4], "big"), 4
        elif size == 127:
            size, start = int.from_bytes(data[2:10], "big"), 10
        frames.append((first, data[start : start + size]))
        data = data[start + size :]
    return frames


class ReferenceInflater:
    """§7.2.2 by the letter, with zlib and nothing else."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._begin()

    def _begin(self) -> None:
        self._zlib = zlib.decompressobj(-self._agreement.server_max_window_bits)

    def inflate(self, frames: list[tuple[int, bytes]]) -> bytes:
        """Return a message; every frame is in its place."""
        (first, payload), *others = frames
        assert first & 0x0F in (TEXT, BINARY)
        assert [other & 0x7F for other, _ in others] == [CONTINUATION] * len(others)
        assert [each >> 7 for each, _ in frames] == [*[0] * len(others), 1]
        payload = b"".join([payload, *(part for _, part in others)])
        if not first & RSV1:
            return payload
        data = self._zlib.decompress(payload + EMPTY_BLOCK)
        assert not self._zlib.unconsumed_tail and not self._zlib.unused_data
        if self._agreement.server_no_context_takeover:
            self._begin()
        return data


class Library:
    """A client of the websockets library."""

    def __init__(self, agreement: Agreement) -> None:
        self._extension = PerMessageDeflate(
            agreement.server_no_context_takeover,
            agreement.client_no_context_takeover,
            agreement.server_max_window_bits,
            agreement.client_max_window_bits,
        )

    def inflate(self, frames: list[tuple[int, bytes]]) -> bytes:
        decoded = [
            self._extension.decode(
                Frame(Opcode(first & 0x0F), payload, bool(first & 0x80), bool(first & RSV1))
            )
            for first, payload in frames
        ]
        return b"".join(bytes(each.data) for each in decoded)

    def frames(self, opcode: int, parts: list[bytes]) -> bytes:
        """Return a compressed message, as the library sends it."""
        data = b""
        for number, part in enumerate(parts):
            code = Opcode.CONT if number else Opcode(opcode)
            one = Frame(code, part, number == len(parts) - 1)
            data += one.serialize(mask=True, extensions=[self._extension])
        return data


def send(protocol: ServerProtocol, parts: Iterable[Message]) -> list[tuple[int, bytes]]:
    """Send the parts as fragments, a lone one as a whole message."""
    *others, last = parts
    if not others:
        return parse_frames(protocol.send_message(last))
    data = b"".join(protocol.send_fragment(part, final=False) for part in others)
    return parse_frames(data + protocol.send_fragment(last, final=True))


FRAGMENTS = [
    [b"one", b"two"],
    [b"one", b"two", b""],
    [b"", b"one"],
    [b"", b""],
    [b"", b"", b""],
    [b"one", b"", b"", b"two", b""],
    [b"x" * 300],
    [b""],
    [b"short"],
    [b"x" * 5000, b"x" * 5000, b""],
]


@lanes
@pytest.mark.parametrize("header", [OFFER, ALONE])
@pytest.mark.parametrize("kind", [ReferenceInflater, Library])
def test_fragments_are_inflated_by_others(
    fast_lane: bool, header: str, kind: type[ReferenceInflater] | type[Library]
) -> None:
    protocol = make_protocol(header, fast_lane=fast_lane)
    peer = kind(agree(header, Compression()))
    for parts in FRAGMENTS * 2:
        assert peer.inflate(send(protocol, parts)) == b"".join(parts)
        text = [part.decode() for part in parts]
        assert peer.inflate(send(protocol, text)) == b"".join(parts)


option_values = st.fixed_dictionaries(
    {
        "level": st.integers(0, 9),
        "memory_level": st.integers(1, 9),
        "server_max_window_bits": st.integers(9, 15),
        "client_max_window_bits": st.integers(9, 15),
        "server_no_context_takeover": st.booleans(),
        "client_no_context_takeover": st.booleans(),
        "threshold": st.sampled_from([0, 1, 10, 256]),
    }
)
parts_of_messages = st.lists(
    st.lists(
        st.one_of(
            st.binary(max_size=20),
            st.builds(bytes.__mul__, st.binary(max_size=20), st.integers(0, 1000)),
            st.integers(0, 3000).map(lambda size: bytes(n * n % 251 for n in range(size))),
        ),
        min_size=1,
        max_size=4,
    ),
    max_size=5,
)


@settings(deadline=None, max_examples=100, print_blob=True)
@given(option_values, st.booleans(), parts_of_messages)
def test_messages_of_any_options_go_both_ways(
    options: dict[str, Any], fast_lane: bool, messages: list[list[bytes]]
) -> None:
    protocol = make_protocol(OFFER, 10**6, fast_lane, **options)
    agreement = agree(OFFER, Compression(**options))
    raw, library = ReferenceInflater(agreement), Library(agreement)
    for parts in messages:
        frames = send(protocol, parts)
        message = b"".join(parts)
        assert raw.inflate(frames) == library.inflate(frames) == message
        assert receive(protocol, library.frames(BINARY, parts)) == [message]


def test_our_context_lives_on_unless_it_was_agreed_otherwise() -> None:
    message = "".join(map(str, range(200)))
    protocol = make_protocol()
    first, second = protocol.send_message(message), protocol.send_message(message)
    assert len(second) < len(first) / 4
    protocol = make_protocol(ALONE)
    assert protocol.send_message(message) == protocol.send_message(message) == first


@lanes
def test_messages_under_the_threshold_are_sent_as_they_are(fast_lane: bool) -> None:
    protocol = make_protocol(threshold=10, fast_lane=fast_lane)
    assert protocol.send_message(b"x" * 9) == b"\x82\x09" + b"x" * 9
    assert protocol.send_message("é" * 4 + "x") == b"\x81\x09" + "ééééx".encode()
    assert protocol.send_message(b"x" * 10)[0] == 0xC2
    assert protocol.send_message("é" * 5)[0] == 0xC1  # counted in bytes
    assert protocol.send_fragment(b"x", final=False)[0] == 0x42  # who knows what follows
    assert protocol.send_fragment(b"x", final=True)[0] == 0x80


@lanes
def test_a_threshold_of_nothing_compresses_the_empty_message(fast_lane: bool) -> None:
    protocol = make_protocol(threshold=0, fast_lane=fast_lane)
    assert protocol.send_message("") == b"\xc1\x01\x00"
    assert protocol.send_message(b"") == b"\xc2\x01\x00"


def test_control_frames_are_not_compressed() -> None:
    protocol = make_protocol(threshold=0)
    first = protocol.send_fragment(b"x" * 300, final=False)
    assert protocol.send_ping(b"hi") == b"\x89\x02hi"
    last = protocol.send_fragment(b"y" * 300, final=True)
    inflater = ReferenceInflater(agree(OFFER, Compression()))
    assert inflater.inflate(parse_frames(first + last)) == b"x" * 300 + b"y" * 300
    assert protocol.send_close(1000, "bye") == b"\x88\x05\x03\xe8bye"


@lanes
def test_messages_of_both_directions_share_nothing(fast_lane: bool) -> None:
    protocol = make_protocol(threshold=0, fast_lane=fast_lane)
    client, inflater = Client(), ReferenceInflater(agree(OFFER, Compression()))
    payload = client.compress(b"hello " * 30)
    data = compressed(TEXT, payload, 5)
    assert receive(protocol, data[:13]) == []
    assert inflater.inflate(send(protocol, ["world " * 30])) == b"world " * 30
    assert receive(protocol, data[13:]) == ["hello " * 30]


def test_many_final_blocks_in_a_message_are_an_attack(protocol: ServerProtocol) -> None:
    """Each ends a stream and begins another, which costs far more than its two bytes."""
    assert receive(protocol, compressed(TEXT, b"\x03\x00" * 256)) == [""]
    refusal = [Close(1008, "too many final blocks")]
    assert receive(protocol, compressed(TEXT, b"\x03\x00" * 257)) == refusal


def test_a_block_that_is_cut_gives_nothing(protocol: ServerProtocol) -> None:
    """A stored block of 100 bytes with two in it: the end of the message must not fill it."""
    cut = b"\x00\x64\x00\x9b\xffhi"
    assert receive(protocol, compressed(BINARY, cut)) == [Close(1007, "data that is not valid")]
