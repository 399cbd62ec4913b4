"""How a WebSocket is closed: the states, the codes and what a Close may say (RFC 6455 §7)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

#: §7.1.5: what is told of a Close without a code, and when no Close came.
NO_STATUS = 1005
ABNORMAL = 1006
#: Reasons of our Close for a fault of the peer.
REASONS = {
    1002: "protocol error",
    1007: "data that is not valid",
    1008: "too many final blocks",
    1009: "message too big",
}


class State(Enum):
    """Where the closing handshake stands (§7.1)."""

    OPEN = "open"
    CLOSING = "closing"  # our Close is sent, the peer's has not come
    CLOSED = "closed"  # both Closes are through
    FAILED = "failed"  # the peer broke the protocol: our Close is sent, the rest is thrown away


@dataclass(frozen=True, slots=True)
class Close:
    """Code and reason of a Close frame (§5.5.1); the code of an empty one is 1005."""

    code: int
    reason: str = ""


def check_close(code: int, reason: str) -> None:
    """Raise ValueError unless ``code`` and ``reason`` are allowed in a Close frame.

    §7.4: 1000–1003 and 1007–1014 are defined and may be sent, 3000–4999 are free for libraries and
    applications; §5.5: a control frame carries 125 bytes, two of them the code.
    """
    if not (code in range(1000, 1004) or code in range(1007, 1015) or code in range(3000, 5000)):
        raise ValueError(f"expected a close code of 1000–1003, 1007–1014 or 3000–4999, not {code}")
    size = len(reason.encode())
    if size > 123:
        raise ValueError(f"expected a reason of at most 123 bytes in UTF-8, not {size}: {reason!r}")
