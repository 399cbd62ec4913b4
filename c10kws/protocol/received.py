"""Events of a connection besides its messages: Pings, Pongs and the end (RFC 6455 §5.5)."""

from __future__ import annotations

from dataclasses import dataclass

from .closing import Close
from .messages import Message


@dataclass(frozen=True, slots=True)
class PingReceived:
    """A Ping. §5.5.2: send ``pong``, the frame that answers it, "as soon as is practical".

    §5.5.3: of several Pings only the most recent one has to be answered.
    """

    pong: bytes


@dataclass(frozen=True, slots=True)
class PongReceived:
    """A Pong. §5.5.3: ``payload`` is that of the Ping it answers, unless it is unsolicited."""

    payload: bytes


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of what the peer sends; it is reported once.

    ``close`` is the Close of the peer, or the one that tells the peer of its fault. ``answer`` is
    the Close frame to send, empty when ours has been sent already. Messages that arrived before
    our Close may still be read after this event, while ``has_more`` is True.
    """

    close: Close
    answer: bytes


@dataclass(frozen=True, slots=True)
class RateExceeded:
    """Messages above the rate at which the peer may send; they are not delivered.

    Answer ``messages`` with ``reason``, which names the rate. Then close with ``close``, unless it
    is None.
    """

    messages: list[Message]
    reason: str
    close: Close | None


Event = PingReceived | PongReceived | Ended | RateExceeded
