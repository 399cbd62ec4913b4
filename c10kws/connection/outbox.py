"""Queue of messages that cannot be sent yet, in call order.

Items wait here when they come from another thread, when a message is being sent in fragments, and
while the client reads slowly: the transport then has unsent bytes of its own and gets no more.
A broadcast is one object in all queues, so its bytes are in memory once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from itertools import islice

from ..protocol.closing import Close
from .items import Item, Overflow, Ping, weigh
from .pings import MAX_PINGS, TooManyPings
from .total_queue import lock, total_queue

#: Writes of the loop's thread may exceed the limit by this factor for a moment, until it is known
#: whether a task awaits them.
PATIENCE = 16


class Outbox:
    """A queue bounded in bytes. Each item has a ticket, with which a task can wait for its turn.

    ``ignores_backpressure`` is True once the connection is about to end: then everything is sent
    without waiting for the client. ``size`` is the number of bytes in memory. Messages that a task
    awaits do not count against the limit, since each task waits with one message.
    """

    __slots__ = (
        "_awaited",
        "_check_due",
        "_items",
        "_limit",
        "_pings",
        "_taken",
        "_waiters",
        "ignores_backpressure",
        "size",
    )

    def __init__(self, limit: int) -> None:
        self.size = 0
        self.ignores_backpressure = False
        self._limit = limit
        self._items: deque[Item] = deque()
        self._taken = 0  # items so far
        self._awaited = 0
        self._check_due = False
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

    def check(self, loop: asyncio.AbstractEventLoop, overflow: Callable[[], object]) -> None:
        """Call ``overflow`` unless tasks await the messages that exceed the limit.

        A task that awaits its write does so in this turn, ``asyncio.wait_for`` in the next.
        """
        if self.full and not self._check_due:
            self._check_due = True
            loop.call_soon(loop.call_soon, self._check, loop, overflow, self.last)

    def _check(
        self, loop: asyncio.AbstractEventLoop, overflow: Callable[[], object], ticket: int
    ) -> None:
        self._check_due = False
        if self.overfull(ticket):
            overflow()
        else:
            self.check(loop, overflow)

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
            total_queue.hold(item)
        if isinstance(item, (Close, Overflow)):
            self.ignores_backpressure = True
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
            total_queue.release(item)
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
