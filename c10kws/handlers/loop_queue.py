"""``LoopQueue``: makes calls on an event loop, in the order in which threads have queued them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable

from ..connection.loop import loop_state_of

logger = logging.getLogger("c10kws")

#: Limit of the bytes that the queued calls keep in memory.
MAX_BYTES = 8 * 1024 * 1024
#: Seconds of calls in one turn of the loop. Then other clients get their turn.
MAX_TURN = 0.01
#: Seconds that a thread waits for a full queue. A loop that is blocked longer will not recover.
TIMEOUT = 60.0

Call = Callable[[], object]


class LoopQueue:
    """Makes calls on a loop in the order of :meth:`put`; wakes the loop once for all queued calls.

    Call ``wait_for_room`` before ``put``. Then the queue holds at most MAX_BYTES, plus one call of
    each thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: deque[tuple[Call, int]] = deque()
        self._changed = threading.Condition()
        self._size = 0  # bytes that the calls keep in memory
        self._scheduled = False

    @property
    def has_room(self) -> bool:
        """True if at most MAX_BYTES are queued."""
        return self._size <= MAX_BYTES or self._loop.is_closed()

    def wait_for_room(self) -> None:
        """Wait until there is room; on the loop itself, make the queued calls instead."""
        if self.has_room:
            return
        running = asyncio._get_running_loop()  # get_running_loop() raises in a thread
        if running is self._loop:
            self._make_calls(float("inf"))
        elif running is None:
            with self._changed:
                self._changed.wait_for(lambda: self.has_room, TIMEOUT)

    def put(self, call: Call, size: int) -> None:
        """Queue a call that keeps ``size`` bytes in memory.

        Raises RuntimeError if the loop is closed.
        """
        with self._changed:
            self._calls.append((call, size))
            self._size += size
            if not self._scheduled:
                if asyncio._get_running_loop() is self._loop:
                    self._loop.call_soon(self._run)
                else:
                    self._loop.call_soon_threadsafe(self._run)
                self._scheduled = True

    def _run(self) -> None:
        try:
            self._make_calls(self._loop.time() + MAX_TURN)
        finally:
            with self._changed:
                self._scheduled = bool(self._calls)
                if self._scheduled:
                    self._loop.call_soon(self._run)

    def _make_calls(self, end: float) -> None:
        loop_state = loop_state_of(self._loop)
        try:
            while self._calls:
                call, size = self._calls.popleft()
                loop_state.batch = loop_state.batch or bool(self._calls)
                self._make_call(call, size)
                if self._loop.time() > end:
                    return
        finally:
            loop_state.batch = False

    def _make_call(self, call: Call, size: int) -> None:
        try:
            call()
        except Exception:
            logger.exception("A call on the event loop failed.")
        finally:
            with self._changed:
                if not self.has_room:
                    self._changed.notify_all()
                self._size -= size
