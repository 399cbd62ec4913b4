"""The lock of the hub: a file that is locked while the hub is running."""

from __future__ import annotations

import os
import threading
from pathlib import Path

#: Held while this process has a descriptor of the lock. No thread forks meanwhile: the child would
#: have a copy and would keep the lock, so no hub could start after the end of the hub.
no_forks = threading.Lock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=no_forks.acquire,
        after_in_parent=no_forks.release,
        after_in_child=no_forks.release,
    )


def acquire(path: Path) -> int | None:
    """Return a descriptor of the locked file, or None while another process holds the lock.

    The system releases the lock when the last copy of the descriptor is closed, even by SIGKILL.
    """
    import fcntl  # does not exist on Windows, where asyncio has no Unix sockets either

    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_same(descriptor, path):
                return descriptor
            os.close(descriptor)  # its last owner has just removed it
        except BlockingIOError:
            os.close(descriptor)
            return None


def _is_same(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
