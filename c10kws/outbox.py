"""What was asked to be sent and cannot go yet, in call order: from threads, or behind a stream."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable
from dataclasses import dataclass

from .message import Message, size_of

#: More Pings cannot wait: a peer that answers none must not fill the memory.
MAX_PINGS = 64


@dataclass(frozen=True, slots=True)
class Close:
    """A Close frame to send (RFC 6455 §5.5.1)."""

    code: int
    reason: str = ""


@dataclass(slots=True)
class Overflow:
    """Stands for messages that found the outbox full."""

    count: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Ping:
    """A Ping frame to send; ``answered`` gets the seconds until its Pong."""

    answered: asyncio.Future[float]


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """A message to send in fragments (§5.4); ``sent`` is done when the last one is written."""

    parts: AsyncIterable[str | bytes]
    opcode: int | None
    sent: asyncio.Future[None]


@dataclass(slots=True, eq=False)
class Broadcast:
    """A message for many connections, framed once.

    ``failed`` counts those that took it into their outbox and could not send it.
    """

    message: Message
    frame: bytes
    failed: int = 0


Item = Message | Close | Overflow | Ping | Parts | Broadcast

#: Held for a few operations at a time: one is enough for all outboxes.
lock = threading.Lock()


def weigh(item: Item) -> int:
    """Return the bytes that an item counts against MAX_QUEUE_BYTES."""
    if isinstance(item, Broadcast):
        return len(item.frame)
    return size_of(item) if isinstance(item, (str, bytes)) else 0


class TooManyPings(RuntimeError):
    """So many Pings wait for their Pong, or to be sent, that another is not taken."""

    def __str__(self) -> str:
        return f"expected a Pong by now: {MAX_PINGS} Pings are unanswered"


class Outbox:
    """A queue bounded in bytes."""

    __slots__ = ("_items", "_limit", "_pings", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._size = 0
        self._pings: deque[Ping] = deque()  # they may go between the fragments of a message

    def __bool__(self) -> bool:
        return bool(self._items or self._pings)

    def put(self, item: Item) -> bool:
        """Add an item, holding the ``lock``; return False when there is no room for it.

        One message always fits an empty outbox. Raises :exc:`TooManyPings`.
        """
        weight = weigh(item)
        if weight and self._size > self._limit:
            return False
        last = self._items[-1] if self._items else None
        if isinstance(item, Ping):
            if len(self._pings) >= MAX_PINGS:
                raise TooManyPings
            self._pings.append(item)
        elif isinstance(item, Overflow) and isinstance(last, Overflow):
            last.count += item.count
        else:
            self._size += weight
            self._items.append(item)
        return True

    def get(self, *, control: bool = False) -> Item | None:
        """Take a Ping, or the oldest item unless it must be a ``control`` frame; else None."""
        with lock:
            if self._pings:
                return self._pings.popleft()
            if control or not self._items:
                return None
            item = self._items.popleft()
            self._size -= weigh(item)
            return item
