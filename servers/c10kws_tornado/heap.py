"""The heap of a process that serves: glibc's, and what Python's garbage collector looks at.

glibc gives the free top of its heap back to the system as soon as it is larger than 128 KiB. A
message of 64 KiB is copied several times, so each one would give pages back and fault them in
again, which takes as long as all its copies (measured; ``docs/explanation/performance.rst``).
"""

from __future__ import annotations

import ctypes
import gc
import platform
from contextlib import suppress

#: The parameters of glibc's ``mallopt``.
M_TRIM_THRESHOLD = -1
M_MMAP_THRESHOLD = -3
#: Free memory that the process may keep, and blocks that still come from its heap.
KEEP = 8 * 1024 * 1024
LARGEST = 1024 * 1024


def keep_heap() -> bool:
    """Make the process keep some free memory; return True if this system has such a setting."""
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(M_TRIM_THRESHOLD, KEEP) and mallopt(M_MMAP_THRESHOLD, LARGEST))


def trim_heap() -> None:
    """Return free memory to the system, of the whole heap and not only its top; takes a while."""
    if platform.libc_ver()[0] == "glibc":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


def spare_collector() -> None:
    """Exclude objects that are loaded by now from garbage collection: they stay anyway."""
    gc.collect()
    gc.freeze()
