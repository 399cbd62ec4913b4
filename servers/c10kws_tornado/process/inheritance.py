"""``Inheritance``: what a parent passes to a worker, which ends with its parent.

A worker's standard input is a pipe that nothing is written to. The parent holds the other end. The
worker stops when that end is closed, by the parent or because the parent has died. So there are no
orphans, even after SIGKILL.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from ..sharedstate import SharedState
from ..workerslot import WorkerSlot

#: The environment variable that makes a process a worker, with what it inherits.
VARIABLE = "C10KWS_TORNADO_WORKER"


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The listening sockets and the slot of a worker."""

    sockets: Sequence[socket.socket]
    slot: WorkerSlot


def environment_of(descriptors: Sequence[int], state: SharedState, index: int) -> dict[str, str]:
    """Return the environment of a worker that the caller starts, in addition to its own."""
    passed = {"sockets": list(descriptors), "state": state.fd, "slot": index}
    return {VARIABLE: json.dumps(passed)}


def inherit() -> Inheritance | None:
    """Return the sockets and the slot that the parent has passed; None if this is no worker.

    From then on this process ends with its parent. Call it once. Child processes do not inherit
    the role. Raises RuntimeError if the parent runs another release.
    """
    text = os.environ.pop(VARIABLE, None)
    if text is None:
        return None
    threading.Thread(target=_watch_parent, name="c10kws-parent", daemon=True).start()
    passed = json.loads(text)
    descriptors = [*passed["sockets"], passed["state"]]
    for fd in descriptors:
        os.set_inheritable(fd, False)
    state = SharedState(passed["state"])
    sockets = [socket.socket(fileno=fd) for fd in passed["sockets"]]
    return Inheritance(sockets, WorkerSlot(state, passed["slot"]))


def _watch_parent() -> None:
    with suppress(OSError):
        while os.read(0, 1024):
            pass
    os.kill(os.getpid(), signal.SIGTERM)  # to the process, which wakes up the main thread
