"""The slot of this worker in the shared state: ``c10kws.workers`` of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from .sharedstate import Activity, SharedState, Slot

#: A worker may have more connections than the one with the fewest: by this part of them, and by
#: this number. Beyond the larger of the two it leaves new clients to the others.
TOLERANCE = 0.05
MIN_TOLERANCE = 1


class WorkerSlot:
    """The part of the shared state that a worker writes, and its view of the other workers."""

    def __init__(self, state: SharedState, index: int) -> None:
        self._state = state
        self.index = index
        #: The last snapshot of the worker that had this slot before; b"" if there was none.
        self.inherited = state.snapshot(index)

    # For applications

    def slots(self) -> Sequence[Slot]:
        """Return all slots that were ever used, this one too."""
        return self._state.slots()

    def snapshot(self, index: int) -> bytes:
        """Return the last snapshot that the worker of a slot has published; from any thread."""
        return self._state.snapshot(index)

    def publish(self, data: bytes) -> None:
        """Replace the snapshot of this worker, in one thread at a time.

        Raises ValueError if it is longer than 64 KiB.
        """
        self._state.publish(self.index, data)

    # For the server

    def enter(self, activity: Activity) -> None:
        """Report that this worker accepts connections, or that it drains."""
        self._state.enter(self.index, activity)

    def beat(self, connections: int) -> None:
        """Report that the event loop runs, with its number of connections."""
        self._state.count(self.index, connections)
        self._state.beat(self.index)

    @property
    def has_peers(self) -> bool:
        """True if there are several workers, without those that drain."""
        return self._state.workers > 1

    def is_ahead(self, connections: int) -> bool:
        """Report the number of connections; return True if other workers have clearly fewer."""
        self._state.count(self.index, connections)
        fewest = self._state.fewest_connections()
        return connections > fewest + max(fewest * TOLERANCE, MIN_TOLERANCE)
