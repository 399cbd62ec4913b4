"""Heartbeat of a worker: reports that its event loop runs, for its parent and the other workers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from .sharedstate import Activity
from .workerslot import WorkerSlot

#: Seconds between two heartbeats.
INTERVAL = 1.0


class Heartbeat:
    """Reports into the slot of this worker, from the loop's thread.

    ``count`` returns the number of open connections.
    """

    def __init__(self, slot: WorkerSlot, count: Callable[[], int]) -> None:
        self._slot = slot
        self._count = count
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Report that this worker accepts connections, and then a heartbeat each second."""
        self._beat()
        self._slot.enter(Activity.ACCEPTING)

    def drain(self) -> None:
        """Report that this worker accepts no further connections."""
        self._slot.enter(Activity.DRAINING)

    def stop(self) -> None:
        """End the heartbeats."""
        if self._timer is not None:
            self._timer.cancel()

    def _beat(self) -> None:
        self._slot.beat(self._count())
        self._timer = asyncio.get_running_loop().call_later(INTERVAL, self._beat)
