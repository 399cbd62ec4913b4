"""How much memory this process has."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def rss() -> int:
    """Return its resident memory in bytes; 0 where it is not easily known."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
