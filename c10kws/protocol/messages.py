"""Messages: text is str and binary is bytes, on both sides of the connection (RFC 6455 §5.6)."""

from __future__ import annotations

from enum import IntEnum

Message = str | bytes


def size_of(message: Message) -> int:
    """Return how many bytes a message has on the wire."""
    if isinstance(message, bytes) or message.isascii():
        return len(message)
    return len(message.encode())


#: Number of parts that are joined at a time: a part of one byte costs 50 bytes, 58 in a list.
JOINED = 256


class Joiner:
    """Buffer that joins the parts of one message, all str or all bytes, as they come."""

    __slots__ = ("_joined", "_parts")

    def __init__(self) -> None:
        self._joined: list[Message] = []
        self._parts: list[Message] = []

    def add(self, part: Message) -> None:
        """Add the next part."""
        self._parts.append(part)
        if len(self._parts) >= JOINED:
            self._joined.append(_join(self._parts))
            self._parts.clear()

    def join(self) -> Message:
        """Return the whole message; there is at least one part."""
        return _join(self._joined + self._parts)


def _join(parts: list[Message]) -> Message:
    empty = "" if isinstance(parts[0], str) else b""
    return empty.join(parts)  # type: ignore[arg-type]


class Opcode(IntEnum):
    """The data opcodes of RFC 6455 §5.2."""

    TEXT = 1
    BINARY = 2


def check_opcode(opcode: int | None) -> None:
    """Raise ValueError unless ``opcode`` is that of data, or None."""
    if opcode is not None and opcode not in (Opcode.TEXT, Opcode.BINARY):
        raise ValueError(f"expected opcode 1 (text) or 2 (binary), not {opcode!r}")


def as_message(data: str | bytes, opcode: int | None = None) -> Message:
    """Return ``data`` as str for a text message or bytes for a binary one.

    Without ``opcode`` the type decides. Raises TypeError for other data, ValueError for another
    opcode, and UnicodeError (a ValueError) for what is not text.
    """
    if not isinstance(data, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"expected a message of str or bytes, not {type(data).__name__}")
    if opcode is None:
        opcode = Opcode.TEXT if isinstance(data, str) else Opcode.BINARY
    if opcode == Opcode.BINARY:
        return data.encode() if isinstance(data, str) else bytes(data)
    check_opcode(opcode)
    if not isinstance(data, str):
        return str(data, "utf-8")
    if not data.isascii():
        data.encode()  # a lone surrogate is refused here, where the caller sees it
    return data
