"""The memory of this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def rss() -> int:
    """Return the resident memory in bytes; 0 on systems other than Linux."""
    if sys.platform != "linux":
        return 0
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")
