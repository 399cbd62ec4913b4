"""Messages: text is str and binary is bytes, on both sides of the connection (RFC 6455 §5.6)."""

from __future__ import annotations

from enum import IntEnum

Message = str | bytes


def size_of(message: Message) -> int:
    """Return how many bytes a message has on the wire."""
    if isinstance(message, bytes) or message.isascii():
        return len(message)
    return len(message.encode())


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
