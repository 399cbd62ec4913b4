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
        self._threshold = options.threshold
        self._inflater = Inflater(agreement, max_message_size)
        self._compressor = Compressor(agreement, options)
        self._in_compressed_message = False  # received
        self._in_control_frame = False
        self._compresses = False  # the message under way, which we send

    def enabled(self) -> bool:
        """Return True: the handshake has agreed on it."""
        return True

    def offer(self) -> str:
        """Return nothing: only clients offer extensions."""
        return ""

    def wants(self, message: Message) -> bool:
        """Return True for a message that is long enough to be compressed."""
        return len(message) >= self._threshold or (
            isinstance(message, str) and len(message.encode()) >= self._threshold
        )

    @property
    def inflated_bytes(self) -> int:
        """Bytes that all received messages have inflated to."""
        return self._inflater.total

    def frame_inbound_header(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Remember RSV1. RFC 7692 §6.1: it marks the first frame of a compressed message alone."""
        self._in_control_frame = opcode.iscontrol()
        if rsv.rsv1 and (self._in_control_frame or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if not self._in_control_frame and opcode is not Opcode.CONTINUATION:
            self._in_compressed_message = rsv.rsv1
            self._inflater.begin_message()
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """Inflate a piece of a compressed message."""
        if self._in_control_frame or not self._in_compressed_message:
            return data
        return self._inflater.inflate(data)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> CloseReason | None:
        """End a compressed message with its last frame."""
        if self._in_control_frame or not self._in_compressed_message or not fin:
            return None
        self._in_compressed_message = False
        return self._inflater.end_message()

    def frame_outbound(
        self,
        proto: FrameDecoder | FrameProtocol,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Compress a frame of a message that is long enough, or is sent in fragments."""
        if opcode.iscontrol():
            return rsv, data
        if opcode is not Opcode.CONTINUATION:
            self._compresses = not fin or len(data) >= self._threshold
            rsv = RsvBits(self._compresses, rsv.rsv2, rsv.rsv3)
        if not self._compresses:
            return rsv, data
        return rsv, self._compressor.compress(data, fin)


class Inflater:
    """The received messages of one connection, inflated within a limit (§7.2.2)."""

    __slots__ = ("_agreement", "_final_blocks", "_limit", "_size", "_stream", "total")

    def __init__(self, agreement: Agreement, limit: int) -> None:
        self.total = 0  # bytes of all messages
        self._agreement = agreement
        self._limit = limit
        self._stream: Any = None  # zlib's object; it keeps the window between messages
        self._size = 0  # bytes of the message under way
        self._final_blocks = 0  # of the message under way

    def begin_message(self) -> None:
        """Begin to count the bytes of a message."""
        self._size = self._final_blocks = 0

    def inflate(self, data: bytes) -> bytes | CloseReason:
        """Inflate a piece of a message; return a close code when it is not valid or too big."""
        pieces = []
        while data:
            if self._stream is None:
                # zlib has no window of 256 bytes; the next larger one does as well.
                self._stream = zlib.decompressobj(-max(self._agreement.client_max_window_bits, 9))
            try:
                piece = self._stream.decompress(data, self._limit - self._size + 1)
            except zlib.error:
                return CloseReason.INVALID_FRAME_PAYLOAD_DATA
            self._size += len(piece)
            self.total += len(piece)
            if self._size > self._limit:
                return CloseReason.MESSAGE_TOO_BIG
            pieces.append(piece)
            data = self._stream.unconsumed_tail
            if self._stream.eof:  # §7.2.3.4: a final block; a new stream follows
                data = self._stream.unused_data
                self._stream = None
                self._final_blocks += 1
                if self._final_blocks > MAX_FINAL_BLOCKS:
                    return CloseReason.POLICY_VIOLATION
        return b"".join(pieces)

    def end_message(self) -> CloseReason | None:
        """Append the bytes that the sender has removed from the end (§7.2.2)."""
        # After a final block there is no stream, and nothing was removed.
        rest = b"" if self._stream is None else self.inflate(_EMPTY_BLOCK)
        if self._agreement.client_no_context_takeover:
            self._stream = None
        # The removed bytes end an empty block. They inflate to nothing, unless a block was cut.
        return CloseReason.INVALID_FRAME_PAYLOAD_DATA if rest else None


class Compressor:
    """The sent messages of one connection, compressed (§7.2.1)."""

    __slots__ = ("_agreement", "_options", "_stream")

    def __init__(self, agreement: Agreement, options: Compression) -> None:
        self._agreement = agreement
        self._options = options
        self._stream: Any = None  # zlib's object; it keeps the window between messages

    def compress(self, data: bytes, final: bool) -> bytes:
        """Return the payload of a frame."""
        if self._stream is None:
            self._stream = zlib.compressobj(
                self._options.level,
                zlib.DEFLATED,
                -self._agreement.server_max_window_bits,
                self._options.memory_level,
            )
        compressed: bytes = self._stream.compress(data) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        if not final:
            return compressed
        if self._agreement.server_no_context_takeover:
            self._stream = None
        # §7.2.3.6: when the fragments before left nothing, an empty block ends the message.
        return compressed[: -len(_EMPTY_BLOCK)] or b"\x00"
