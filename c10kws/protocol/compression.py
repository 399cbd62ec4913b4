"""permessage-deflate (RFC 7692): the negotiation, and the extension that wsproto runs.

wsproto's own ``PerMessageDeflate`` is not used: a Ping between the fragments of a message corrupts
it, a final block kills the next message, nothing bounds what a message inflates to, and it reads
all offers of a header into one object.

Memory of a connection, beyond Python's objects (zlib's own formulas; measured in
``docs/explanation/performance.rst``): inflating holds 2**client_max_window_bits bytes and 8 KiB
once a compressed message came; deflating holds 2**(server_max_window_bits + 2) +
2**(memory_level + 9) bytes and 6 KiB once one was sent. With ``…_no_context_takeover`` each is let
go after its message.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, Opcode, RsvBits

from ..exceptions import HandshakeRefused
from .messages import Message

NAME = "permessage-deflate"
_EMPTY_BLOCK = b"\x00\x00\xff\xff"  # §7.2.1 takes it off, §7.2.2 puts it back
_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
#: RFC 6455 §9.1: a token, with a value or without; a quoted value is a token too.
_PARAMETER = re.compile(rf'({_TOKEN})(?:[ \t]*=[ \t]*(?:({_TOKEN})|"((?:\\?{_TOKEN})+)"))?')
#: A sender may end its stream in a message (§7.2.3.4); more often than this is an attack.
MAX_FINAL_BLOCKS = 256

Parameters = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Compression:
    """How messages are compressed; also the keys of the ``COMPRESSION`` setting, in lower case.

    The window bits of 12 and the memory level of 5 cost 50 KiB a connection where zlib's defaults
    cost 302, and compress short messages as well. Messages under ``threshold`` bytes are sent as
    they are.
    """

    level: int = 6
    memory_level: int = 5
    server_max_window_bits: int = 12
    client_max_window_bits: int = 12
    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    threshold: int = 256

    @classmethod
    def from_value(cls, value: object) -> Compression | None:
        """Return what True, False or a dictionary of options means; None is no compression.

        Raises TypeError and ValueError, which say what was expected.
        """
        if isinstance(value, cls):
            return value
        if value is None or isinstance(value, bool):
            return cls() if value else None
        if not isinstance(value, Mapping):
            raise TypeError(f"expected True, False or a dictionary of options, not {value!r}")
        for name, option in value.items():
            _check_option(name, option)
        return cls(**value)


_RANGES = {
    "level": (0, 9),
    "memory_level": (1, 9),
    "server_max_window_bits": (9, 15),
    "client_max_window_bits": (9, 15),
    "threshold": (0, 2**31),
}


def _check_option(name: object, value: object) -> None:
    names = [field.name for field in fields(Compression)]
    if name not in names:
        raise ValueError(f"expected the options {', '.join(names)}, not {name!r}")
    if name not in _RANGES:
        if not isinstance(value, bool):
            raise TypeError(f"expected {name} to be True or False, not {value!r}")
        return
    low, high = _RANGES[str(name)]
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"expected {name} to be a number from {low} to {high}, not {value!r}")


# The negotiation, §5 and §7.1


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreed parameters: the windows, and if they are kept between messages."""

    server_max_window_bits: int
    client_max_window_bits: int
    server_no_context_takeover: bool
    client_no_context_takeover: bool
    header: str


def negotiate(header: str, options: Compression) -> Agreement | None:
    """Accept the first offer of ``Sec-WebSocket-Extensions`` that can be accepted.

    Other extensions and offers with unknown or broken parameters are declined (§5.1, §7.1).
    Raises :exc:`HandshakeRefused` (400) when the header is not a list of extensions.
    """
    for name, parameters in list(_parse_offers(header)):
        if name == NAME and parameters is not None:
            agreement = _accept(parameters, options)
            if agreement is not None:
                return agreement
    return None


def _parse_offers(header: str) -> Iterator[tuple[str, Parameters | None]]:
    """Yield each extension with its parameters, None when one of them is repeated.

    A value contains neither a comma nor a semicolon (§9.1).
    """
    for element in header.split(","):
        if not element.strip():  # RFC 9110 §5.6.1: empty elements of a list mean nothing
            continue
        matches = [_PARAMETER.fullmatch(each.strip(" \t")) for each in element.split(";")]
        pairs = [(match[1].lower(), _value(match)) for match in matches if match]
        if len(pairs) != len(matches) or pairs[0][1] is not None:
            raise HandshakeRefused(
                400, f"Sec-WebSocket-Extensions must list extensions, not {element.strip()!r}."
            )
        parameters = dict(pairs[1:])
        yield pairs[0][0], parameters if len(parameters) == len(pairs) - 1 else None


def _value(match: re.Match[str]) -> str | None:
    return match[2] if match[3] is None else match[3].replace("\\", "")


def _accept(offer: Parameters, options: Compression) -> Agreement | None:
    """§7.1: every parameter is understood and has a valid value, or the offer is declined."""
    flags = {"server_no_context_takeover", "client_no_context_takeover"}
    if offer.keys() - flags - {"server_max_window_bits", "client_max_window_bits"}:
        return None
    if any(offer.get(flag) is not None for flag in flags):
        return None
    server_bits, client_bits = options.server_max_window_bits, options.client_max_window_bits
    answer = [NAME]
    if "server_max_window_bits" in offer:
        asked = _window_bits(offer["server_max_window_bits"])
        if asked is None or asked < 9:  # zlib makes no raw stream with a window of 256 bytes
            return None
        server_bits = min(server_bits, asked)
        answer.append(f"server_max_window_bits={server_bits}")
    elif server_bits < 15:
        answer.append(f"server_max_window_bits={server_bits}")
    if "client_max_window_bits" in offer:
        value = offer["client_max_window_bits"]
        asked = 15 if value is None else _window_bits(value)
        if asked is None:
            return None
        client_bits = min(client_bits, asked)
        answer.append(f"client_max_window_bits={client_bits}")
    else:
        client_bits = 15  # §7.1.2.2: we may not ask for less
    server_alone = options.server_no_context_takeover or "server_no_context_takeover" in offer
    client_alone = options.client_no_context_takeover or "client_no_context_takeover" in offer
    answer += ["server_no_context_takeover"] * server_alone
    answer += ["client_no_context_takeover"] * client_alone
    return Agreement(server_bits, client_bits, server_alone, client_alone, "; ".join(answer))


def _window_bits(value: str | None) -> int | None:
    """§7.1.2.1: "a decimal integer value without leading zeroes between 8 to 15 inclusive"."""
    return int(value) if value in {"8", "9", "10", "11", "12", "13", "14", "15"} else None


# The extension, §7.2


class Deflate(Extension):
    """Compresses and inflates the messages of one connection; wsproto calls its methods.

    A message that inflates to more than ``max_message_size`` bytes is given up there (1009).
    """

    name = NAME

    def __init__(self, agreement: Agreement, options: Compression, max_message_size: int) -> None:
        self._agreement = agreement
        self._options = options
        self._limit = max_message_size
        self.inflated = 0  # bytes, of all messages
        self._inflater: Any = None
        self._inflating = False  # the message under way is compressed
        self._control = False  # the frame under way is a Ping, a Pong or a Close
        self._size = 0  # of what the message under way inflated to
        self._final_blocks = 0  # in it
        self._deflater: Any = None
        self._deflating = False

    def enabled(self) -> bool:
        """Return True: it was agreed on."""
        return True

    def offer(self) -> str:
        """Return nothing: a server offers no extension."""
        return ""

    def wants(self, message: Message) -> bool:
        """Return True if a message is long enough to be compressed."""
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
        """§6.1: RSV1 stands on the first frame of a compressed message, and nowhere else."""
        self._control = opcode.iscontrol()
        if rsv.rsv1 and (self._control or opcode is Opcode.CONTINUATION):
            return CloseReason.PROTOCOL_ERROR
        if not self._control and opcode is not Opcode.CONTINUATION:
            self._inflating = rsv.rsv1
            self._size = self._final_blocks = 0
        return RsvBits(True, False, False)

    def frame_inbound_payload_data(
        self, proto: FrameDecoder | FrameProtocol, data: bytes
    ) -> bytes | CloseReason:
        """§7.2.2: inflate a piece of a message."""
        if self._control or not self._inflating:
            return data
        return self._inflate(data)

    def frame_inbound_complete(
        self, proto: FrameDecoder | FrameProtocol, fin: bool
    ) -> bytes | CloseReason | None:
        """§7.2.2: the end of a message is the end that its sender took off."""
        if self._control or not self._inflating or not fin:
            return None
        # Right after a final block nothing was taken off.
        rest = b"" if self._inflater is None else self._inflate(_EMPTY_BLOCK)
        self._inflating = False
        if self._agreement.client_no_context_takeover:
            self._inflater = None
        # What was taken off ends an empty block: it can give nothing, unless a block was cut.
        return CloseReason.INVALID_FRAME_PAYLOAD_DATA if rest else None

    def _inflate(self, data: bytes) -> bytes | CloseReason:
        parts = []
        while data:
            if self._inflater is None:
                # A window of 256 bytes fits into the next one, which zlib can do.
                bits = max(self._agreement.client_max_window_bits, 9)
                self._inflater = zlib.decompressobj(-bits)
            try:
                part = self._inflater.decompress(data, self._limit - self._size + 1)
            except zlib.error:
                return CloseReason.INVALID_FRAME_PAYLOAD_DATA
            self._size += len(part)
            self.inflated += len(part)
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
        """§7.2.1: compress a frame of a message that is long enough, or comes in fragments."""
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
        # The fragment before may have flushed everything: then an empty block ends the message.
        return compressed[:-4] or b"\x00"
