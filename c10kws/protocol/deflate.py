"""permessage-deflate at work (RFC 7692 §7.2): the extension that wsproto runs.

wsproto's own ``PerMessageDeflate`` is not used: a Ping between the fragments of a message corrupts
the message, a final block breaks the next message, nothing bounds the size that a message inflates
to, and it reads all offers of a header into one object.

Memory of a connection, beyond Python's objects (zlib's own formulas; measured in
``docs/reference/compression.rst``): inflating holds 2**client_max_window_bits bytes and 8 KiB once
a compressed message has come; deflating holds 2**(server_max_window_bits + 2) +
2**(memory_level + 9) bytes and 6 KiB once one was sent. With ``…_no_context_takeover`` each is
freed after its message.
"""

from __future__ import annotations

import zlib
from typing import Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

from .messages import Message
from .negotiation import NAME, Agreement, Compression

#: §7.2.1: the sender removes these bytes from the end of a message, §7.2.2: the receiver appends
#: them.
_EMPTY_BLOCK = b"\x00\x00\xff\xff"
#: A sender may end its stream within a message (§7.2.3.4); more often than this is an attack.
MAX_FINAL_BLOCKS = 256


class Deflate(Extension):
    """Extension of one connection that compresses and inflates its messages.

    wsproto calls its methods. A message is refused with 1009 as soon as it inflates to more than
    ``max_message_size`` bytes.
    """

    name = NAME

    def __init__(self, agreement: Agreement, options: Compression, max_message_size: int) -> None:
        self._agreement = agreement
        self._options = options
        self._limit = max_message_size
        self.inflated_bytes = 0  # of all messages
        self._inflater: Any = None
        self._inflating = False  # True while a compressed message is received
        self._in_control_frame = False
        self._size = 0  # bytes that the message has inflated to
        self._final_blocks = 0  # of the message
        self._deflater: Any = None
        self._deflating = False

    def enabled(self) -> bool:
        """Return True: the handshake has agreed on it."""
        return True

    def offer(self) -> str:
        """Return nothing: only clients offer extensions."""
        return ""

    def wants(self, message: Message) -> bool:
        """Return True for a message that is long enough to be compressed."""
        threshold = self._options.threshold
        return len(message) >= threshold or (
            isinstance(message, str) and len(message.encode()) >= threshold
        )

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Take note of RSV1. §6.1: it marks the first frame of a compressed message alone."""
        self._in_control_frame = opcode.iscontrol()
        if rsv.rsv1 and (self._in_control_frame or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if not self._in_control_frame and opcode is not Opcode.CONTINUATION:
            self._inflating = rsv.rsv1
            self._size = self._final_blocks = 0
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """Inflate a piece of a message (§7.2.2)."""
        if self._in_control_frame or not self._inflating:
            return data
        return self._inflate(data)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """End a message. §7.2.2: append the bytes that its sender has removed from the end."""
        if self._in_control_frame or not self._inflating or not fin:
            return None
        # After a final block there is no stream, and nothing was removed.
        rest = b"" if self._inflater is None else self._inflate(_EMPTY_BLOCK)
        self._inflating = False
        if self._agreement.client_no_context_takeover:
            self._inflater = None
        # The removed bytes end an empty block. They inflate to nothing, unless a block was cut.
        return CloseReason.INVALID_FRAME_PAYLOAD_DATA if rest else None

    def _inflate(self, data: bytes) -> bytes | CloseReason:
        parts = []
        while data:
            if self._inflater is None:
                # zlib has no window of 256 bytes; the next larger one does as well.
                bits = max(self._agreement.client_max_window_bits, 9)
                self._inflater = zlib.decompressobj(-bits)
            try:
                part = self._inflater.decompress(data, self._limit - self._size + 1)
            except zlib.error:
                return CloseReason.INVALID_FRAME_PAYLOAD_DATA
            self._size += len(part)
            self.inflated_bytes += len(part)
            if self._size > self._limit:
                return CloseReason.MESSAGE_TOO_BIG
            parts.append(part)
            data = self._inflater.unconsumed_tail
            if self._inflater.eof:  # §7.2.3.4: a final block; what follows is a new stream
                data = self._inflater.unused_data
                self._inflater = None
                self._final_blocks += 1
                if self._final_blocks > MAX_FINAL_BLOCKS:
                    return CloseReason.POLICY_VIOLATION
        return b"".join(parts)

    def frame_outbound(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Compress a frame (§7.2.1) of a message that is long enough, or is sent in fragments."""
        if opcode.iscontrol():
            return rsv, data
        if opcode is not Opcode.CONTINUATION:
            self._deflating = not fin or len(data) >= self._options.threshold
            rsv = RsvBits(self._deflating, rsv.rsv2, rsv.rsv3)
        if not self._deflating:
            return rsv, data
        return rsv, self._deflate(data, fin)

    def _deflate(self, data: bytes, fin: bool) -> bytes:
        if self._deflater is None:
            self._deflater = zlib.compressobj(
                self._options.level,
                zlib.DEFLATED,
                -self._agreement.server_max_window_bits,
                self._options.memory_level,
            )
        compressed: bytes = self._deflater.compress(data) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
        if not fin:
            return compressed
        if self._agreement.server_no_context_takeover:
            self._deflater = None
        # §7.2.3.6: when the fragments before left nothing, an empty block ends the message.
        return compressed[:-4] or b"\x00"
