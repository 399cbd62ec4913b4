"""The fast lane: whole plain frames, and a plain frame in plain."""

from __future__ import annotations

import pytest
from tornado.speedups import websocket_mask

from c10kws.protocol import frames
from c10kws.protocol.closing import Close
from c10kws.protocol.fastlane import PlainFrame, read_frames
from c10kws.protocol.frames import Mask
from c10kws.protocol.messages import Message
from c10kws.protocol.server import ServerProtocol
from tests.support.frames import BINARY, CLOSE, CONTINUATION, FIN, MASK, PING, TEXT, frame
from tests.support.protocols import masks, receive_all
from tests.support.streams import RSV1, raw_frame


def test_every_payload_byte_is_unmasked_once_and_in_order() -> None:
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
def test_read_frames_stops_where_a_frame_is_not_whole(mask: Mask) -> None:
    data = frame(TEXT, "é".encode()) + frame(BINARY, b"ab") + frame(TEXT, b"whole?")
    whole = len(frame(TEXT, b"xx")) * 2
    for end in range(whole, len(data)):
        messages: list[Message] = []
        assert read_frames(data[:end], 0, messages, mask, 100) == whole
        assert messages == ["é", b"ab"]


def test_read_frames_begins_at_the_given_position() -> None:
    messages: list[Message] = []
    data = b"head" + frame(TEXT, b"a")
    assert read_frames(data, 4, messages, websocket_mask, 100) == len(data)
    assert messages == ["a"]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65535, 65536, 65537])
def test_read_frames_reads_every_form_of_length_up_to_the_limit(size: int) -> None:
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
def test_read_frames_leaves_what_is_not_plain(data: bytes) -> None:
    messages: list[Message] = []
    plain = frame(BINARY, b"ok")
    assert read_frames(plain + data + plain, 0, messages, websocket_mask, 2**64) == len(plain)
    assert messages == [b"ok"]


@masks
def test_a_plain_frame_turns_the_key_with_the_bytes(mask: Mask) -> None:
    payload = bytes(range(50))
    data = frame(BINARY, payload)[6:]
    for step in range(1, 51):
        plain = PlainFrame(frames.BINARY, MASK, len(payload), mask)
        for start in range(0, len(data), step):
            assert plain.remaining
            piece = data[start : start + step]
            assert plain.read(piece, 0) == len(piece)
        assert not plain.remaining
        assert plain.result == payload


@masks
def test_a_plain_frame_joins_characters_that_were_cut(mask: Mask) -> None:
    text = "né€\N{GRINNING FACE}"
    data = frame(TEXT, text.encode())[6:]
    plain = PlainFrame(frames.TEXT, MASK, len(data), mask)
    for position in range(len(data)):
        assert plain.read(data[: position + 1], position) == position + 1
    assert plain.result == text


def test_a_plain_frame_reads_only_its_own_bytes() -> None:
    data = frame(TEXT, b"abcd") + b"next"
    plain = PlainFrame(frames.TEXT, MASK, 4, websocket_mask)
    assert plain.read(data[:8], 6) == 8
    assert plain.read(data[8:], 0) == 2
    assert not plain.remaining
    assert plain.result == "abcd"


@pytest.mark.parametrize(
    "data", [b"ok\xff", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90", b"\xc0", b"\xf8"]
)
def test_a_plain_frame_refuses_a_text_as_soon_as_it_is_broken(data: bytes) -> None:
    plain = PlainFrame(frames.TEXT, MASK, 100, websocket_mask)
    assert plain.read(websocket_mask(MASK, data), 0) == 0
    assert plain.result == Close(1007, "data that is not valid")


def test_a_plain_frame_refuses_a_text_that_ends_within_a_character() -> None:
    plain = PlainFrame(frames.TEXT, MASK, 2, websocket_mask)
    plain.read(websocket_mask(MASK, b"a"), 0)
    plain.read(websocket_mask(MASK[1:] + MASK[:1], b"\xc3"), 0)
    assert plain.result == Close(1007, "data that is not valid")
