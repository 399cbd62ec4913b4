"""A file descriptor that Tornado's IOLoop watches; the loop of asyncio may not be able to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado.ioloop import IOLoop

READ = IOLoop.READ
WRITE = IOLoop.WRITE


class DescriptorWatch:
    """One descriptor, and the events for which ``callback`` is called."""

    __slots__ = ("_callback", "_events", "_fd", "_loop")

    def __init__(self, fd: int, callback: Callable[[], object]) -> None:
        self._loop = IOLoop.current()
        self._fd = fd
        self._callback = callback
        self._events = 0

    def watch(self, events: int) -> None:
        """Watch for these events from now on; 0 for none."""
        before, self._events = self._events, events
        if events == before:
            return
        if not before:
            self._loop.add_handler(self._fd, self._handle, events)
        elif events:
            self._loop.update_handler(self._fd, events)
        else:
            self._loop.remove_handler(self._fd)

    def _handle(self, fd: Any, events: int) -> None:
        self._callback()
