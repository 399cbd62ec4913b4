"""State shared by the connections of one event loop.

A receive buffer, a finished future, the timers, and the list of clients that read slowly.
"""

from __future__ import annotations

import asyncio
import threading
from weakref import WeakKeyDictionary

from .keepalive import Keepalive
from .outbox import Broadcast
from .slow import SlowClients

#: Bytes taken from one socket before others get their turn: about 900 messages of 64 bytes.
READ_SIZE = 64 * 1024
#: The same from a client that sends long messages.
WIDE_READ_SIZE = 256 * 1024

_all: WeakKeyDictionary[asyncio.AbstractEventLoop, Shared] = WeakKeyDictionary()


class Shared:
    """Made and used on the loop's thread."""

    __slots__ = (
        "__weakref__",
        "_keepalives",
        "done",
        "in_hand",
        "loop",
        "slow",
        "thread",
        "view",
        "wide_view",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = threading.get_ident()
        #: One buffer does for all: it is read empty in the call that filled it.
        self.wide_view = memoryview(bytearray(WIDE_READ_SIZE))
        self.view = self.wide_view[:READ_SIZE]
        #: Returned by a write that needs no wait; awaiting it costs nothing.
        self.done: asyncio.Future[None] = loop.create_future()
        self.done.set_result(None)
        #: The broadcast that is being written, whose bytes all transports share.
        self.in_hand: Broadcast | None = None
        self.slow = SlowClients(loop)
        self._keepalives: dict[tuple[float, float | None], Keepalive] = {}

    def keepalive(self, interval: float, timeout: float | None) -> Keepalive:
        """Return the timer of all connections that ping at this interval."""
        keepalive = self._keepalives.get((interval, timeout))
        if keepalive is None:
            keepalive = self._keepalives[interval, timeout] = Keepalive(
                self.loop, interval, timeout
            )
        return keepalive


def shared_by(loop: asyncio.AbstractEventLoop) -> Shared:
    """Return what the connections of ``loop``, the running one, share."""
    shared = _all.get(loop)
    if shared is None:
        shared = _all[loop] = Shared(loop)
    return shared
