"""Slots of gunicorn's workers in a shared state, which the parent process creates."""

from __future__ import annotations

import os
from typing import Any, Protocol

from c10kws_tornado.sharedstate import Activity, SharedState
from c10kws_tornado.workerslot import WorkerSlot

#: The least number of workers for which there are slots. TTIN and a new configuration may add some.
MIN_WORKERS = 4


class BootingWorker(Protocol):
    """A worker in the parent process."""

    cfg: Any
    #: A text before the fork, then a process ID.
    pid: int | str


class Slots:
    """The shared state of one parent process. It is created for the first worker, before the fork.

    The workers then accept connections evenly, and each knows the others.
    """

    def __init__(self) -> None:
        self._state: SharedState | None = None
        self._cfg: Any = None
        self._generation = -1
        self._holders: dict[int, BootingWorker] = {}

    def assign(self, worker: BootingWorker) -> int | None:
        """Return the slot for a worker that is about to be forked; None if all are taken."""
        cfg = worker.cfg
        if self._state is None:
            self._state = SharedState.create(max(2 * cfg.workers, MIN_WORKERS))
        if cfg is not self._cfg:  # HUP reads the configuration again
            self._cfg = cfg
            self._generation += 1
        self._release(self._state)
        index = self._state.free_slot()
        if index is not None:
            self._state.assign(index, self._generation)
            self._holders[index] = worker
        return index

    def _release(self, state: SharedState) -> None:
        """Release the slots of workers that were killed, possibly before they took their slots."""
        for slot in state.slots():
            pid = self._holders[slot.index].pid
            if slot.activity != Activity.ENDED and not (isinstance(pid, int) and _is_running(pid)):
                state.enter(slot.index, Activity.ENDED)

    def take(self, index: int) -> WorkerSlot:
        """Return the assigned slot for use in the worker."""
        assert self._state is not None
        self._state.set_pid(index, os.getpid())
        return WorkerSlot(self._state, index)

    def leave(self, index: int) -> None:
        """Leave the own slot, at the end of the worker."""
        assert self._state is not None
        self._state.enter(index, Activity.ENDED)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # the worker runs as another user
        return True
    return True
