"""Messages (RFC 6455 §5.4, §5.6): text is str, binary is bytes; their opcodes and fragments."""

from __future__ import annotations

from enum import IntEnum

Message = str | bytes

#: A message may come in this many fragments. The RFC sets no bound, and empty ones cost memory;
#: the conformance suite sends 4 MiB in fragments of 64 bytes, and an empty one.
MAX_FRAGMENTS = 131_072
#: Number of pieces that are joined at a time: a piece of one byte costs 50 bytes, 58 in a list.
_JOINED_PIECES = 256


class Opcode(IntEnum):
    """The opcodes of data frames (§5.6)."""

    TEXT = 1
    BINARY = 2


def check_opcode(opcode: int | None) -> None:
    """Raise ValueError unless ``opcode`` is that of a data frame, or None."""
    if opcode is not None and opcode not in (Opcode.TEXT, Opcode.BINARY):
        raise ValueError(f"The opcode of a message is 1 (text) or 2 (binary), not {opcode!r}.")


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
        data.encode()  # a lone surrogate raises UnicodeError here, where the caller sees it
    return data


def size_of(message: Message) -> int:
    """Return how many bytes a message has on the wire."""
    if isinstance(message, bytes) or message.isascii():
        return len(message)
    return len(message.encode())


class PayloadBuffer:
    """Buffer for a payload that comes in pieces, all str or all bytes."""

    __slots__ = ("_joined", "_pieces")

    def __init__(self) -> None:
        self._joined: list[Message] = []
        self._pieces: list[Message] = []

    def add(self, piece: Message) -> None:
        """Add the next piece."""
        self._pieces.append(piece)
        if len(self._pieces) >= _JOINED_PIECES:
            self._joined.append(_join(self._pieces))
            self._pieces.clear()

    def join(self) -> Message:
        """Return the whole payload; at least one piece was added."""
        return _join(self._joined + self._pieces)


def _join(pieces: list[Message]) -> Message:
    empty = "" if isinstance(pieces[0], str) else b""
    return empty.join(pieces)  # type: ignore[arg-type]


class MessageTooBig(Exception):
    """A message in fragments exceeds a bound; the text tells which one."""


class Reassembly:
    """A received message whose fragments are still coming (§5.4), and its bounds.

    A frame is judged by its head, before its payload has come. ``limit`` counts the bytes that a
    compressed message inflates to, so its frames may have more: deflate adds at most an eighth to
    data that it cannot compress, and a few bytes each time its sender flushes. Twice the limit and
    1 KiB is more than any message within the limit needs.
    """

    __slots__ = ("_fragments", "_limit", "_payload", "_received", "_size", "_wire_limit")

    def __init__(self, limit: int, *, compressed: bool) -> None:
        self._limit = limit
        self._wire_limit = 2 * limit + 1024 if compressed else limit
        self._fragments = 0
        self._received = 0  # bytes on the wire
        self._size = 0  # bytes of the message
        self._payload = PayloadBuffer()

    def begin_fragment(self, size: int) -> None:
        """Count a frame with ``size`` bytes of payload. Raises :exc:`MessageTooBig`."""
        self._fragments += 1
        self._received += size
        if self._received > self._wire_limit:
            raise MessageTooBig(f"message over {self._limit} bytes")
        if self._fragments > MAX_FRAGMENTS:
            raise MessageTooBig(f"message of over {MAX_FRAGMENTS} fragments")

    def add(self, piece: Message) -> None:
        """Add the next piece of the payload, at most a frame. Raises :exc:`MessageTooBig`."""
        self._size += size_of(piece)
        if self._size > self._limit:
            raise MessageTooBig(f"message over {self._limit} bytes")
        self._payload.add(piece)

    def join(self) -> Message:
        """Return the whole message."""
        return self._payload.join()
