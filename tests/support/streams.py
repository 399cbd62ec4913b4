"""Streams of a client made at random: frames of all kinds, whole and broken, and their cuts."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import strategies as st

from c10kws.protocol.frames import mask_slowly
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

#: The limit of a message, for payloads around it.
LIMIT = 300


RSV1 = 0x40


EXTENSIONS = {
    "plain": "",
    "deflate": "permessage-deflate; client_max_window_bits",
    "alone": "permessage-deflate; client_no_context_takeover; client_max_window_bits=9",
}


# Messages and frames of a peer


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
    """Cut ``data`` into pieces; positions beyond its end count from its start again."""
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
    """Bytes that a peer sent, and the ends of its frames."""

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
