"""``LoopState``: what the connections of one event loop share.

A receive buffer, a finished future, the timers, and the list of clients that read slowly.
"""

from __future__ import annotations

import asyncio
import threading
from weakref import WeakKeyDictionary

from ..conf import Settings
from .items import SharedMessage
from .keepalive_timer import KeepaliveTimer
from .slow_clients import SlowClients

#: Bytes taken from one socket before others get their turn: about 900 messages of 64 bytes.
READ_SIZE = 64 * 1024
#: The same from a client that sends long messages: four of 64 KiB fit in, with their heads.
WIDE_READ_SIZE = 264 * 1024

_states: WeakKeyDictionary[asyncio.AbstractEventLoop, LoopState] = WeakKeyDictionary()


class LoopState:
    """Made and used on the loop's thread."""

    __slots__ = (
        "__weakref__",
        "_keepalive_timers",
        "batch",
        "broadcast",
        "buffer",
        "done",
        "loop",
        "slow_clients",
        "thread",
        "wide_buffer",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.thread = threading.get_ident()
        #: One buffer does for all: it is read empty in the call that filled it.
        self.wide_buffer = memoryview(bytearray(WIDE_READ_SIZE))
        self.buffer = self.wide_buffer[:READ_SIZE]
        #: Returned by a write that needs no wait; awaiting it costs nothing.
        self.done: asyncio.Future[None] = loop.create_future()
        self.done.set_result(None)
        #: The broadcast that is being written, whose bytes all transports share.
        self.broadcast: SharedMessage | None = None
        #: True while one turn of the loop makes several broadcasts: short ones are corked then.
        self.batch = False
        self.slow_clients = SlowClients(loop)
        self._keepalive_timers: dict[tuple[float, float | None], KeepaliveTimer] = {}

    def keepalive_timer(self, settings: Settings) -> KeepaliveTimer | None:
        """Return the timer of all connections with these settings; None without keepalive."""
        interval, timeout = settings.ping_interval, settings.ping_timeout
        if not interval:
            return None
        timer = self._keepalive_timers.get((interval, timeout))
        if timer is None:
            timer = KeepaliveTimer(self.loop, interval, timeout)
            self._keepalive_timers[interval, timeout] = timer
        return timer


def on_event_loop() -> bool:
    """Return True if this code runs on an event loop, which it must not block."""
    return asyncio._get_running_loop() is not None  # get_running_loop() raises in a thread


def loop_state_of(loop: asyncio.AbstractEventLoop) -> LoopState:
    """Return the state of ``loop``, the running one."""
    state = _states.get(loop)
    if state is None:
        state = _states[loop] = LoopState(loop)
    return state


def slow_clients_closed() -> int:
    """Return the number of slow clients that the loops of this process have closed."""
    return sum(state.slow_clients.closed for state in list(_states.values()))
