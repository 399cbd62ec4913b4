"""Closing a WebSocket (RFC 6455 §7): states, close codes, and the payload of a Close frame."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Self

#: §5.5: "All control frames MUST have a payload length of 125 bytes or less"; two are the code.
MAX_REASON = 123

_CODE = struct.Struct("!H")


class State(Enum):
    """Progress of the closing handshake (§7.1)."""

    OPEN = "open"
    CLOSING = "closing"  # our Close is sent, the peer's has not come
    CLOSED = "closed"  # both Closes are through
    FAILED = "failed"  # the peer broke the protocol: our Close is sent, the rest is discarded


class CloseCode(IntEnum):
    """The close codes of §7.4.1, and 1012 to 1014, which IANA has registered since.

    ``description`` tells who sends a code, and when. Codes from 3000 to 3999 are registered for
    libraries. Codes from 4000 to 4999 are free for applications; where a browser should see an HTTP
    status, c10kws sends 4000 + the status, for example 4403.
    """

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015

    @property
    def description(self) -> str:
        """Sender and occasion of the code, as a sentence or two."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    CloseCode.NORMAL_CLOSURE: (
        "Sent by either side when it is done; by the server when the handler returns."
    ),
    CloseCode.GOING_AWAY: (
        "Sent by a browser when the user leaves the page, by the server when it shuts down."
    ),
    CloseCode.PROTOCOL_ERROR: "Sent by the server after a frame that RFC 6455 does not allow.",
    CloseCode.UNSUPPORTED_DATA: (
        "Sent by an endpoint that does not accept the type of a message, text or binary."
    ),
    CloseCode.NO_STATUS: "Never sent. Reported after a Close frame without a code.",
    CloseCode.ABNORMAL_CLOSURE: (
        "Never sent. Reported when the connection was lost without a Close frame."
    ),
    CloseCode.INVALID_DATA: (
        "Sent by the server after text that is not UTF-8, or compressed data that cannot be read."
    ),
    CloseCode.POLICY_VIOLATION: (
        "Sent by an endpoint after a message that breaks its rules; by the server after a"
        " compressed message of too many blocks."
    ),
    CloseCode.MESSAGE_TOO_BIG: (
        "Sent by the server after a message of more than MAX_MESSAGE_SIZE bytes, or of too many"
        " fragments."
    ),
    CloseCode.MANDATORY_EXTENSION: (
        "Sent by a client when the server did not accept an extension that it needs."
    ),
    CloseCode.INTERNAL_ERROR: (
        "Sent by the server when the handler raises, a message in fragments fails or a Ping is"
        " not answered in time."
    ),
    CloseCode.SERVICE_RESTART: (
        "Sent by the server when it stops for a restart or a deploy; clients may connect again."
    ),
    CloseCode.TRY_AGAIN_LATER: "Sent by the server when the client reads too slowly.",
    CloseCode.BAD_GATEWAY: "Sent by a gateway after an invalid response of its server.",
    CloseCode.TLS_HANDSHAKE: "Never sent. Reported by a client when the TLS handshake failed.",
}

#: Close code after which a client may connect again later: 4000 + the HTTP status 429.
TOO_MANY_REQUESTS = 4429
#: §7.4.1: each "MUST NOT be set as a status code in a Close control frame by an endpoint".
NEVER_SENT = frozenset((CloseCode.NO_STATUS, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE))
_SENT = frozenset(CloseCode) - NEVER_SENT


@dataclass(frozen=True, slots=True)
class Close:
    """Code and reason of a Close frame (§5.5.1); an empty one has the code 1005.

    The code becomes a plain ``int``, also that of an enum: handlers and logs show it.
    """

    code: int
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "code", int(self.code))  # the class is frozen

    def to_payload(self) -> bytes:
        """Return the payload of the frame: the code in two bytes, then the reason in UTF-8."""
        if self.code == CloseCode.NO_STATUS:
            return b""
        return _CODE.pack(self.code) + self.reason.encode()

    @classmethod
    def from_payload(cls, payload: bytes) -> Self | None:
        """Read the payload of a frame; return None when it breaks the protocol."""
        if not payload:
            return cls(CloseCode.NO_STATUS)
        if len(payload) == 1:
            return None
        (code,) = _CODE.unpack_from(payload)
        try:
            return cls(code, payload[2:].decode()) if may_be_sent(code) else None
        except UnicodeDecodeError:
            return None


#: Reasons of our Close after a fault of the peer.
_REASONS: dict[int, str] = {
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.INVALID_DATA: "data that is not valid",
    CloseCode.POLICY_VIOLATION: "too many final blocks",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
}


def failure(code: int) -> Close:
    """Return the Close that tells the peer which fault it made."""
    return Close(code, _REASONS.get(code, ""))


def may_be_sent(code: int) -> bool:
    """Return True for a code that is allowed in a Close frame (§7.4)."""
    return code in _SENT or 3000 <= code < 5000


def check_close(code: int, reason: str) -> None:
    """Raise ValueError unless ``code`` and ``reason`` may be sent in a Close frame."""
    if not may_be_sent(code):
        raise ValueError(
            f"Close code {code} may not be sent; use 1000–1003, 1007–1014 or 3000–4999."
        )
    size = len(reason.encode())
    if size > MAX_REASON:
        raise ValueError(
            f"The reason of a Close has room for {MAX_REASON} bytes of UTF-8; "
            f"this one has {size}: {reason!r}"
        )


def truncate_reason(reason: str) -> str:
    """Truncate a reason to the 123 bytes of UTF-8 that a Close frame has room for (§5.5).

    A lone surrogate, as in the name of a file, becomes a question mark.
    """
    return reason.encode(errors="replace")[:MAX_REASON].decode(errors="ignore")
