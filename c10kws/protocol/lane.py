"""The fast lane: plain data frames, past wsproto (RFC 6455 §5.2).

Why it is safe. A plain frame is final, masked, of opcode text or binary, without reserved bits,
with the shortest form of its length and within the limit of a message. It is a whole message and
touches no state but its own bytes. The protocol asks the lane only at the first byte of a frame,
while wsproto has no frame and no message under way; whatever is not plain stays where it is, for
wsproto to read from its first byte, and to refuse. A text is valid UTF-8 or goes to wsproto too.
``FAST_LANE = False`` leaves it out; both ways say the same (``tests/library/test_lane.py``).
"""

from __future__ import annotations

import struct
from codecs import utf_8_decode

from .control import ALL as CONTROL
from .control import MAX_PAYLOAD as MAX_CONTROL
from .mask import Mask
from .messages import Joiner, Message

TEXT = 0x81  # FIN and the opcode
BINARY = 0x82
MASKED = 0x80
RSV1 = 0x40
CONTINUATION = 0x00

_U16 = struct.Struct("!H").unpack_from
_U64 = struct.Struct("!Q").unpack_from
_HEAD_126 = struct.Struct("!BBH").pack
_HEAD_127 = struct.Struct("!BBQ").pack

#: Heads of the frames that we send, by size: most messages are short.
TEXT_HEADS = tuple(bytes((TEXT, size)) for size in range(126))
BINARY_HEADS = tuple(bytes((BINARY, size)) for size in range(126))


def take(data: bytes, start: int, messages: list[Message], mask: Mask, limit: int) -> int:
    """Append the messages of the plain frames that begin at ``start``.

    Return where it stopped: the end, or the first byte of a frame that is not whole or not plain.
    """
    end = len(data)
    while end - start > 5:
        first = data[start]
        size = data[start + 1] - MASKED
        body = start + 6
        if size >= 126:
            head = read_head(data, start)
            if head is None:
                return start
            size, body = head
        stop = body + size
        if stop > end or not 0 <= size <= limit:
            return start
        if first == TEXT:
            try:
                messages.append(mask(data[body - 4 : body], data[body:stop]).decode())
            except UnicodeDecodeError:
                return start
        elif first == BINARY:
            messages.append(mask(data[body - 4 : body], data[body:stop]))
        else:
            return start
        start = stop
    return start


def read_head(data: bytes, start: int) -> tuple[int, int] | None:
    """Return the size of the payload and where it begins; None while the head is not whole.

    The size is negative when the frame is not masked or its length not in the shortest form.
    """
    left = len(data) - start
    if left < 2:
        return None
    size = data[start + 1] - MASKED
    if size < 0:
        return -1, start + 2
    body = start + 6
    if size == 126:
        if left < 8:
            return None
        (size,) = _U16(data, start + 2)
        return (size if size > 125 else -1), body + 2
    if size == 127:
        if left < 14:
            return None
        (size,) = _U64(data, start + 2)
        return (size if size > 65535 else -1), body + 8
    return (size, body) if left > 5 else None


def is_broken(first: int, size: int, *, compresses: bool) -> bool:
    """Return True for a head that may not stand anywhere (§5.2, §5.5).

    ``first`` is its first byte, ``size`` that of :func:`read_head`; ``compresses`` is True where
    permessage-deflate was agreed on, whose mark RSV1 is (RFC 7692 §6.1).
    """
    opcode = first & 0x0F
    if size < 0 or size >= 2**63 or first & (0x30 if compresses else 0x70):
        return True
    if opcode & 0x08:
        return first not in CONTROL or size > MAX_CONTROL
    return opcode > 2 or (opcode == CONTINUATION and bool(first & RSV1))


class Pieces:
    """A plain frame whose payload comes in pieces: each is unmasked and decoded once."""

    __slots__ = ("_is_text", "_key", "_mask", "_parts", "_rest", "left")

    def __init__(self, first: int, key: bytes, size: int, mask: Mask) -> None:
        self._is_text = first == TEXT
        self._key = key
        self.left = size  # bytes that are still to come
        self._mask = mask
        self._parts = Joiner()
        self._rest = b""  # bytes of a character whose others are still to come

    def feed(self, data: bytes, start: int) -> int:
        """Read the bytes of the frame; return where the next one begins.

        Raises UnicodeDecodeError as soon as a text cannot become valid (§8.1).
        """
        stop = min(start + self.left, len(data))
        piece = self._mask(self._key, data[start:stop])
        taken = stop - start
        self.left -= taken
        self._key = self._key[taken % 4 :] + self._key[: taken % 4]
        if self._is_text:
            piece = self._rest + piece
            text, used = utf_8_decode(piece, "strict", not self.left)
            self._rest = piece[used:]
            self._parts.add(text)
        else:
            self._parts.add(piece)
        return stop

    @property
    def whole(self) -> bool:
        """True when the frame is complete."""
        return not self.left

    def message(self) -> Message:
        """Return the message of a whole frame."""
        return self._parts.join()


def make_frame(message: Message) -> bytes:
    """Return one final, unmasked frame, as a server sends it (§5.6)."""
    first, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
    return make_head(first, len(payload)) + payload


def make_head(first: int, size: int) -> bytes:
    """Return the head of a frame with ``size`` bytes of payload."""
    if size < 126:
        return (TEXT_HEADS if first == TEXT else BINARY_HEADS)[size]
    if size < 65536:
        return _HEAD_126(first, 126, size)
    return _HEAD_127(first, 127, size)
