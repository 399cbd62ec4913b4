"""Frames of a client, made by hand (RFC 6455 §5.2)."""

from __future__ import annotations

import zlib

TEXT, BINARY, CLOSE, PING, PONG, CONTINUATION = 1, 2, 8, 9, 10, 0
FIN = 0x80
MASK = b"\x11\x22\x33\x44"
#: A server's frames as ``read_raw`` returns them: the first byte, and the payload.
END = (FIN | CONTINUATION, b"")
INTERNAL_ERROR = (FIN | CLOSE, b"\x03\xf3internal error")


def frame(opcode: int, payload: bytes = b"", fin: bool = True) -> bytes:
    """A client's frame (§5.2), masked."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    masked = bytes(byte ^ MASK[i % 4] for i, byte in enumerate(payload))
    return bytes([(FIN if fin else 0) | opcode]) + length + MASK + masked


def close_frame(code: int, reason: str = "") -> bytes:
    return frame(CLOSE, code.to_bytes(2, "big") + reason.encode())


def deflated(data: bytes) -> bytes:
    """A message as permessage-deflate has it (RFC 7692 §7.2.1)."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return (deflater.compress(data) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
