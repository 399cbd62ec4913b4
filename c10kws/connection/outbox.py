"""Queue of messages that cannot be sent yet, in call order.

Items wait here when they come from another thread, when a message is being sent in fragments, and
while the client reads slowly: the transport then has unsent bytes of its own and gets no more.
A broadcast is one object in all queues, so its bytes are in memory once.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterable
from dataclasses import dataclass
from itertools import islice

from ..protocol.closing import Close
from ..protocol.messages import Message, size_of

#: More Pings cannot wait: a peer that answers none must not fill the memory.
MAX_PINGS = 64
#: Bytes of the shortest head of a frame; counting it bounds the number of empty messages too.
HEAD = 2
#: Writes of the loop's thread may exceed the limit by this factor for a moment, until it is known
#: whether a task awaits them.
PATIENCE = 16


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

    ``failed`` counts the connections that queued it and could not send it, ``holders`` the
    queues and transports that hold it.
    """

    message: Message
    frame: bytes
    failed: int = 0
    holders: int = 0


Item = Message | Close | Overflow | Ping | Parts | Broadcast

#: Held for a few operations at a time: one is enough for all outboxes.
lock = threading.Lock()


def weigh(item: Item | int) -> int:
    """Return the bytes that an item costs in a queue; a number stands for bytes of one client."""
    match item:
        case int():
            return item
        case Broadcast():
            return len(item.frame)
        case str() | bytes():
            return size_of(item) + HEAD
    return 0


class Backlog:
    """Bytes queued for all clients of the process; those of a broadcast count once.

    Used while holding the ``lock``.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0

    def hold(self, item: Item | int) -> None:
        """Count an item that is queued; a number stands for bytes of one client."""
        if isinstance(item, Broadcast):
            item.holders += 1
            if item.holders > 1:
                return
        self.size += weigh(item)

    def release(self, item: Item | int) -> None:
        """Stop counting an item."""
        if isinstance(item, Broadcast):
            item.holders -= 1
            if item.holders:
                return
        self.size -= weigh(item)


#: The instance of this process.
backlog = Backlog()


class TooManyPings(RuntimeError):
    """Raised when too many Pings wait for their Pong, or to be sent."""

    def __str__(self) -> str:
        return f"Too many unanswered Pings ({MAX_PINGS})."


class Outbox:
    """A queue bounded in bytes. Each item has a ticket, with which a task can wait for its turn.

    ``urgent`` is True once the connection is about to end: then everything is sent without
    waiting for the client. ``size`` is the number of bytes in memory. Messages that a task awaits
    do not count against the limit, since each task waits with one message.
    """

    __slots__ = (
        "_awaited",
        "_items",
        "_limit",
        "_pings",
        "_taken",
        "_waiters",
        "size",
        "urgent",
    )

    def __init__(self, limit: int) -> None:
        self.size = 0
        self.urgent = False
        self._limit = limit
        self._items: deque[Item] = deque()
        self._taken = 0  # items so far
        self._awaited = 0
        self._waiters: dict[int, asyncio.Future[None]] = {}
        self._pings: deque[Ping] = deque()  # they may go between the fragments of a message

    def __bool__(self) -> bool:
        return bool(self._items or self._pings)

    @property
    def full(self) -> bool:
        """True when messages that no task awaits exceed the limit."""
        return self.size - self._awaited > self._limit

    @property
    def last(self) -> int:
        """The ticket of the last item."""
        return self._taken + len(self._items)

    def overfull(self, ticket: int) -> bool:
        """Return True if messages up to a ticket that no task awaits exceed the limit."""
        with lock:
            count = ticket - self._taken
            counted = (
                weigh(item)
                for number, item in enumerate(islice(self._items, max(count, 0)), self._taken + 1)
                if number not in self._waiters
            )
            return sum(counted) > self._limit

    def put(self, item: Item, *, patient: bool = False) -> int | None:
        """Add an item, holding the ``lock``; return its ticket, or None when there is no room.

        One message always fits an empty outbox. With ``patient`` the caller checks ``full`` a
        moment later. Raises :exc:`TooManyPings`.
        """
        weight = weigh(item)
        limit = self._limit * PATIENCE if patient else self._limit
        if weight and self.size - self._awaited > limit:
            return None
        if isinstance(item, Ping):
            if len(self._pings) >= MAX_PINGS:
                raise TooManyPings
            self._pings.append(item)
            return 0
        last = self._items[-1] if self._items else None
        if isinstance(item, Overflow) and isinstance(last, Overflow):
            last.count += item.count
        else:
            self._items.append(item)
            self.size += weight
            backlog.hold(item)
        if isinstance(item, (Close, Overflow)):
            self.urgent = True
        return self.last

    def get(self, *, control: bool = False) -> Item | None:
        """Remove and return a Ping, or unless only ``control`` the oldest item; None if none."""
        with lock:
            if self._pings:
                return self._pings.popleft()
            if control or not self._items:
                return None
            item = self._items.popleft()
            self._taken += 1
            weight = weigh(item)
            self.size -= weight
            backlog.release(item)
            waiter = self._waiters.pop(self._taken, None)
            if waiter is not None:
                self._awaited -= weight
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        return item

    async def wait(self, ticket: int) -> None:
        """Wait until the item of a ticket is taken; until then it does not count."""
        with lock:
            if ticket <= self._taken:
                return
            waiter = self._waiters.get(ticket)
            if waiter is None:
                waiter = self._waiters[ticket] = asyncio.get_running_loop().create_future()
                self._awaited += weigh(self._items[ticket - self._taken - 1])
        try:
            await asyncio.shield(waiter)
        except asyncio.CancelledError:
            self._forget(ticket)
            raise

    def _forget(self, ticket: int) -> None:
        """Count a message again when its task stops waiting."""
        with lock:
            waiter = self._waiters.pop(ticket, None)
            if waiter is None:
                return
            self._awaited -= weigh(self._items[ticket - self._taken - 1])
        if not waiter.done():
            waiter.set_result(None)
