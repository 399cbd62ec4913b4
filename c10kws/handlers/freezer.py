"""``Freezer``: short pauses of Python's garbage collector while many clients are connected.

A full collection visits all objects and stops all threads meanwhile. With 10,000 idle connections
it takes about 400 ms. ``gc.freeze()`` excludes the objects that exist from later collections. They
are still freed by reference counting, as an ended connection and its request are. Only cycles among
frozen objects stay in memory, for example those of requests in progress. A thaw frees them.
"""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import time

#: Seconds without a client before a thaw: many may have lost their connection at the same time, and
#: reconnect.
THAW_DELAY = 10.0
#: Growth of the memory blocks for each connection that leads to a thaw.
MAX_GROWTH = 2.0


class Freezer:
    """Freezes all objects each time there are ``step`` new connections; off before ``enable``.

    It thaws them when all clients have disconnected, or when a freeze finds that the number of
    memory blocks for each connection has doubled, since cycles may have caused this.
    """

    def __init__(self) -> None:
        self._step: int | None = None
        self._connections = 0
        self._new = 0  # connections that were opened after the last freeze
        self._frozen_at = 0.0
        self._frozen = False
        self._thaw_timer: asyncio.TimerHandle | None = None
        self._blocks = 0  # before the first connection
        self._least: float | None = None  # blocks for each connection since the last thaw

    def enable(self, step: int | None) -> None:
        """Freeze for each ``step`` connections; None disables it. Call it before the first."""
        self._step = step
        self._blocks = sys.getallocatedblocks()

    def opened(self) -> None:
        """Count a new connection; on the loop."""
        self._connections += 1
        self._new += 1
        if self._step is not None and self._new >= self._step:
            if self._has_grown():
                self._thaw()
            else:
                gc.collect()  # visits only the objects that are not frozen
                self._freeze()

    def ended(self, opened: float) -> None:
        """Count the end of a connection that was opened at this time; on the loop."""
        self._connections -= 1
        if opened > self._frozen_at and self._new:
            self._new -= 1
        if self._frozen and not self._connections and self._thaw_timer is None:
            self._thaw_timer = asyncio.get_running_loop().call_later(
                THAW_DELAY, self._thaw_if_empty, context=contextvars.Context()
            )

    def _freeze(self) -> None:
        gc.freeze()
        self._new = 0
        self._frozen_at = time.monotonic()
        self._frozen = True

    def _has_grown(self) -> bool:
        blocks = self._blocks_each()
        if self._least is None or blocks < self._least:
            self._least = blocks
        return blocks > self._least * MAX_GROWTH

    def _blocks_each(self) -> float:
        """Return the number of memory blocks for each connection; it takes microseconds."""
        return max(sys.getallocatedblocks() - self._blocks, 0) / max(self._connections, 1)

    def _thaw_if_empty(self) -> None:
        self._thaw_timer = None
        if self._frozen and not self._connections:
            self._thaw()
            self._frozen = False

    def _thaw(self) -> None:
        """Free the cycles among frozen objects; takes as long as a full collection."""
        gc.unfreeze()
        gc.collect()
        self._freeze()
        self._least = self._blocks_each() if self._connections else None


#: The freezer of this process.
freezer = Freezer()
