"""Frames (RFC 6455 §5.2): heads, masks, and the frames that a server sends.

::

     0               1               2               3
    +-+-+-+-+-------+-+-------------+-------------------------------+
    |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
    |I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
    |N|V|V|V|       |S|             |   (if payload len==126/127)   |
    | |1|2|3|       |K|             |                               |
    +-+-+-+-+-------+-+-------------+-------------------------------+
    |                  Masking-key, then the payload                |
    +---------------------------------------------------------------+
"""

from __future__ import annotations

import struct
from collections.abc import Callable

from wsproto.frame_protocol import XorMaskerSimple

from .closing import Close
from .messages import Message, Opcode

# The first byte of a frame

FIN = 0x80
RSV1 = 0x40
RSV2_RSV3 = 0x30
OPCODE = 0x0F
#: §5.4: the opcode of all fragments of a message but the first.
CONTINUATION = 0x0
TEXT = FIN | Opcode.TEXT
BINARY = FIN | Opcode.BINARY
CLOSE = FIN | 0x8
PING = FIN | 0x9
PONG = FIN | 0xA
#: First bytes of messages in one frame.
MESSAGES = frozenset((TEXT, BINARY))
#: §5.5: "Control frames are identified by opcodes where the most significant bit of the opcode is
#: 1." They are final.
CONTROL_FRAMES = frozenset((CLOSE, PING, PONG))
_CONTROL_BIT = 0x8
#: §5.5: "All control frames MUST have a payload length of 125 bytes or less".
MAX_CONTROL_PAYLOAD = 125

# The second byte, and the length

MASKED = 0x80
#: §5.2: of a length of 64 bits "the most significant bit MUST be 0".
MAX_PAYLOAD = 2**63 - 1

_UNPACK_16 = struct.Struct("!H").unpack_from
_UNPACK_64 = struct.Struct("!Q").unpack_from
_PACK_16 = struct.Struct("!BBH").pack
_PACK_64 = struct.Struct("!BBQ").pack

#: Heads of unmasked frames by the size of their payload: most messages are short.
TEXT_HEADS = tuple(bytes((TEXT, size)) for size in range(126))
BINARY_HEADS = tuple(bytes((BINARY, size)) for size in range(126))

#: XOR of a payload, the second argument, with the four bytes of a key (§5.3).
Mask = Callable[[bytes, bytes], bytes]


def mask_slowly(key: bytes, data: bytes) -> bytes:
    """XOR ``data`` with ``key`` in Python, for servers that offer no masker in C."""
    return bytes(XorMaskerSimple(key).process(bytearray(data)))


class BrokenFrame:
    """A frame that the protocol does not allow; ``close`` tells the peer why."""

    __slots__ = ("close",)

    def __init__(self, close: Close) -> None:
        self.close = close


# Reading


def read_head(data: bytes | memoryview[int], start: int) -> tuple[int, int] | None:
    """Return the size of the payload and where it begins; None while the head is not whole.

    The size is negative for a frame that breaks a rule of its length. §5.1: a server closes the
    connection "upon receiving a frame that is not masked". §5.2: "the minimal number of bytes MUST
    be used to encode the length".
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
        (size,) = _UNPACK_16(data, start + 2)
        return (size if size > 125 else -1), body + 2
    if size == 127:
        if left < 14:
            return None
        (size,) = _UNPACK_64(data, start + 2)
        return (size if size > 65535 else -1), body + 8
    return (size, body) if left > 5 else None


def is_broken(first: int, size: int, *, compresses: bool) -> bool:
    """Return True for a head that breaks the protocol in any state of the connection.

    ``first`` is its first byte, ``size`` the one that :func:`read_head` returns. §5.2: a reserved
    bit "MUST be 0 unless an extension is negotiated that defines meanings"; permessage-deflate, for
    which ``compresses`` is True, defines RSV1 (RFC 7692 §6).
    """
    if not 0 <= size <= MAX_PAYLOAD or first & RSV2_RSV3 or (first & RSV1 and not compresses):
        return True
    opcode = first & OPCODE
    if opcode & _CONTROL_BIT:
        # §5.5: control frames "MUST NOT be fragmented"; RFC 7692 §6.1: they are not compressed.
        return first not in CONTROL_FRAMES or size > MAX_CONTROL_PAYLOAD
    # §5.2: the other opcodes "are reserved"; RFC 7692 §6.1: RSV1 marks first fragments alone.
    return opcode > Opcode.BINARY or (opcode == CONTINUATION and bool(first & RSV1))


# Sending: §5.1, "A server MUST NOT mask any frames that it sends to the client."


def make_frame(message: Message) -> bytes:
    """Return a message in one frame (§5.6)."""
    first, payload = (TEXT, message.encode()) if isinstance(message, str) else (BINARY, message)
    return make_head(first, len(payload)) + payload


def make_head(first: int, size: int) -> bytes:
    """Return the head of a frame of a message with ``size`` bytes of payload."""
    if size < 126:
        return (TEXT_HEADS if first == TEXT else BINARY_HEADS)[size]
    if size < 65536:
        return _PACK_16(first, 126, size)
    return _PACK_64(first, 127, size)


def make_ping(payload: bytes) -> bytes:
    """Return a Ping (§5.5.2) with at most 125 bytes of payload."""
    return bytes((PING, len(payload))) + payload


def make_pong(payload: bytes) -> bytes:
    """Return the answer to a Ping: §5.5.3, it has the same payload."""
    return bytes((PONG, len(payload))) + payload


def make_close(close: Close) -> bytes:
    """Return a Close (§5.5.1) whose code may be sent, or is 1005: then it has no payload."""
    payload = close.to_payload()
    return bytes((CLOSE, len(payload))) + payload
