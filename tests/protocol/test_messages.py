"""Messages: types, opcodes and fragments (RFC 6455 §5.4, §5.6)."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws.protocol.messages import (
    MAX_FRAGMENTS,
    Message,
    MessageTooBig,
    PayloadBuffer,
    Reassembly,
    as_message,
    check_opcode,
    size_of,
)


@pytest.mark.parametrize(
    ("data", "opcode", "message"),
    [
        ("é", None, "é"),
        ("é", 1, "é"),
        ("é", 2, "é".encode()),
        (b"\xff", None, b"\xff"),
        (b"\xc3\xa9", 1, "é"),
        (bytearray(b"a"), None, b"a"),
        (memoryview(b"a"), 1, "a"),
        ("", None, ""),
    ],
)
def test_the_opcode_overrides_the_type(data: Any, opcode: Any, message: str | bytes) -> None:
    result = as_message(data, opcode)
    assert result == message
    assert type(result) is type(message)


@pytest.mark.parametrize(
    ("data", "opcode", "error"),
    [
        (None, None, TypeError),
        ({"a": 1}, None, TypeError),
        (1, 1, TypeError),
        ("x", 8, ValueError),
        ("x", 0, ValueError),
        (b"\xff", 1, ValueError),
        ("\ud800", None, ValueError),
        ("\ud800", 2, ValueError),
    ],
)
def test_what_is_no_message_is_refused_where_it_is_written(
    data: Any, opcode: Any, error: type[Exception]
) -> None:
    with pytest.raises(error):
        as_message(data, opcode)


@pytest.mark.parametrize("opcode", [None, 1, 2])
def test_opcodes_of_messages(opcode: int | None) -> None:
    check_opcode(opcode)


@pytest.mark.parametrize("opcode", [0, 3, 8, -1, "1"])
def test_other_opcodes(opcode: Any) -> None:
    with pytest.raises(ValueError, match="The opcode of a message is 1"):
        check_opcode(opcode)


@pytest.mark.parametrize("message", ["", "abc", "é€", b"", b"\xff" * 5])
def test_the_size_of_a_message_is_that_on_the_wire(message: Message) -> None:
    assert size_of(message) == len(message.encode() if isinstance(message, str) else message)


@pytest.mark.parametrize("count", [1, 255, 256, 257, 1000])
@pytest.mark.parametrize("kind", [str, bytes])
def test_pieces_are_joined_in_order(kind: type, count: int) -> None:
    pieces = [str(number) if kind is str else str(number).encode() for number in range(count)]
    buffer = PayloadBuffer()
    for piece in pieces:
        buffer.add(piece)
    assert buffer.join() == kind().join(pieces)


def test_fragments_are_joined() -> None:
    message = Reassembly(10, compressed=False)
    for piece in ("né", "", "!"):
        message.begin_fragment(size_of(piece))
        message.add(piece)
    assert message.join() == "né!"


def test_a_fragment_over_the_limit_is_refused_before_its_payload() -> None:
    message = Reassembly(10, compressed=False)
    message.begin_fragment(10)
    with pytest.raises(MessageTooBig, match="message over 10 bytes"):
        message.begin_fragment(1)


def test_the_size_of_a_compressed_message_is_known_when_it_is_inflated() -> None:
    message = Reassembly(10, compressed=True)
    message.begin_fragment(2 * 10 + 1024)
    message.add(b"x" * 10)
    with pytest.raises(MessageTooBig, match="message over 10 bytes"):
        message.add(b"x")
    with pytest.raises(MessageTooBig, match="message over 10 bytes"):
        message.begin_fragment(1)


def test_the_fragments_of_a_message_are_counted() -> None:
    message = Reassembly(10, compressed=False)
    for _ in range(MAX_FRAGMENTS):
        message.begin_fragment(0)
    with pytest.raises(MessageTooBig, match=f"over {MAX_FRAGMENTS} fragments"):
        message.begin_fragment(0)
