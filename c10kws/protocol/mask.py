"""The mask of frames from clients (RFC 6455 §5.3)."""

from __future__ import annotations

from collections.abc import Callable

from wsproto.frame_protocol import XorMaskerSimple

#: XOR of a payload, the second argument, with the four bytes of its key.
Mask = Callable[[bytes, bytes], bytes]


def mask_slowly(key: bytes, data: bytes) -> bytes:
    """wsproto's masker, where the server offers none in C."""
    return bytes(XorMaskerSimple(key).process(bytearray(data)))
