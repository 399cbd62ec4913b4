"""Heads, masks and control frames (RFC 6455 §5.2, §5.3, §5.5)."""

from __future__ import annotations

import pytest
from tornado.speedups import websocket_mask
from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

from c10kws.protocol import frames
from c10kws.protocol.closing import Close
from c10kws.protocol.frames import read_head
from c10kws.protocol.messages import Message
from c10kws.protocol.server import ServerProtocol
from tests.support.frames import BINARY, FIN, MASK, frame
from tests.support.streams import raw_frame


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


LONGEST = 2**63 - 1


@pytest.mark.parametrize("compresses", [False, True])
def test_the_first_byte_of_a_frame(compresses: bool) -> None:
    """§5.2 and §5.5, and RFC 7692 §6 for RSV1."""
    for first in range(256):
        fin, rsv1, opcode = first & 0x80, first & 0x40, first & 0x0F
        known = opcode in (0, 1, 2) or (opcode in (8, 9, 10) and fin)
        reserved = first & 0x30 or (rsv1 and not (compresses and opcode in (1, 2)))
        broken = bool(reserved or not known)
        assert frames.is_broken(first, 5, compresses=compresses) is broken, first


@pytest.mark.parametrize(
    ("first", "longest"),
    [(frames.TEXT, LONGEST), (frames.BINARY, LONGEST), (frames.CONTINUATION, LONGEST)]
    + [(first, 125) for first in frames.CONTROL_FRAMES],
)
def test_the_size_of_a_frame(first: int, longest: int) -> None:
    for size, broken in ((-1, True), (0, False), (longest, False), (longest + 1, True)):
        assert frames.is_broken(first, size, compresses=False) is broken


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 1000])
def test_the_mask_in_python_is_the_one_in_c(size: int) -> None:
    data = bytes(number % 251 for number in range(size))
    masked = frames.mask_slowly(MASK, data)
    assert masked == websocket_mask(MASK, data)
    assert frames.mask_slowly(MASK, masked) == data


# Frames that we send


@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 125])
def test_pings_and_pongs_that_we_send_are_wsprotos(payload: bytes) -> None:
    wsproto = Connection(ConnectionType.SERVER)
    assert frames.make_ping(payload) == wsproto.send(Ping(payload))
    assert frames.make_pong(payload) == wsproto.send(Pong(payload))


@pytest.mark.parametrize("close", [Close(1000), Close(4000, "é"), Close(1011, "x" * 123)])
def test_a_close_that_we_send_is_wsprotos(close: Close) -> None:
    event = CloseConnection(close.code, close.reason)
    assert frames.make_close(close) == Connection(ConnectionType.SERVER).send(event)


def test_a_close_without_a_code_is_empty() -> None:
    assert frames.make_close(Close(1005)) == b"\x88\x00"


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
