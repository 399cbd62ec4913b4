"""Items of an outbox, next to plain messages and Closes, and the bytes that they cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from dataclasses import dataclass

from ..exceptions import ConnectionClosed
from ..protocol.closing import Close
from ..protocol.messages import Message, size_of

#: Bytes of the shortest head of a frame; counting it bounds the number of empty messages too.
HEAD = 2


@dataclass(slots=True)
class Overflow:
    """Placeholder for messages that found the outbox full; their number is ``count``."""

    count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Ping:
    """A Ping frame to send; ``answered`` gets the seconds until its Pong, None if none comes."""

    answered: asyncio.Future[float | None]

    def miss(self) -> None:
        """End the wait for the Pong, since none will come."""
        if not self.answered.done():
            self.answered.set_result(None)


@dataclass(frozen=True, slots=True, eq=False)
class FragmentedMessage:
    """A message to send in fragments (RFC 6455 §5.4).

    ``sent`` gets True when the last one is written, False when the connection ends before, or the
    exception of the iterable.
    """

    parts: AsyncIterable[str | bytes]
    opcode: int | None
    sent: asyncio.Future[bool]

    def settle(self, sent: bool) -> None:
        """Set the result of ``sent``, unless it has one."""
        if not self.sent.done():
            self.sent.set_result(sent)

    def fail(self, error: BaseException) -> None:
        """Set the exception of ``sent``, unless it has a result."""
        if not self.sent.done():
            self.sent.set_exception(error)
            if isinstance(error, ConnectionClosed):
                self.sent.exception()  # the end of the connection may be ignored


@dataclass(slots=True, eq=False)
class SharedMessage:
    """A message for many connections, framed once.

    ``failed`` counts the connections that queued it and could not send it, ``holders`` the
    queues and transports that hold it.
    """

    message: Message
    frame: bytes
    failed: int = 0
    holders: int = 0


Item = Message | Close | Overflow | Ping | FragmentedMessage | SharedMessage


def weigh(item: Item) -> int:
    """Return the bytes that an item costs in a queue."""
    match item:
        case SharedMessage():
            return len(item.frame)
        case str() | bytes():
            return size_of(item) + HEAD
    return 0
