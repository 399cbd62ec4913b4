"""Control frames: Close, Ping and Pong (RFC 6455 §5.5), final and of at most 125 bytes."""

from __future__ import annotations

import struct

from .closing import NO_STATUS

CLOSE = 0x88  # FIN and the opcode
PING = 0x89
PONG = 0x8A
ALL = frozenset((CLOSE, PING, PONG))
MAX_PAYLOAD = 125

_CODE = struct.Struct("!H")
#: Close codes that a peer may send: those of §7.4, and 1012 to 1014, registered by IANA since.
_CODES = frozenset((1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)))


def make(opcode: int, payload: bytes) -> bytes:
    """Return an unmasked frame, as a server sends it."""
    return bytes((opcode, len(payload))) + payload


def make_close(code: int, reason: str) -> bytes:
    """Return a Close with a code that :func:`closing.check_close` lets through, or without one."""
    return make(CLOSE, b"" if code == NO_STATUS else _CODE.pack(code) + reason.encode())


def read_close(payload: bytes) -> tuple[int, str] | None:
    """Return code and reason of a Close (§5.5.1); None for one that breaks the protocol."""
    if not payload:
        return NO_STATUS, ""
    if len(payload) == 1:
        return None
    (code,) = _CODE.unpack_from(payload)
    try:
        return (code, payload[2:].decode()) if code in _CODES else None
    except UnicodeDecodeError:
        return None
