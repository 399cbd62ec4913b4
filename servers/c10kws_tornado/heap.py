"""Free memory of glibc's heap, returned to the system."""

from __future__ import annotations

import ctypes
import platform
from contextlib import suppress


def trim_heap() -> None:
    """Return the free memory of the whole heap, not only of its top; takes a while.

    Does nothing on systems with another C library.
    """
    if platform.libc_ver()[0] == "glibc":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
