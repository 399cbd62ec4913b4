"""The number of cores that this process may use, and numbers of workers."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from pathlib import Path

#: Quota and period of a container, in microseconds of the processor (cgroup v2).
QUOTA = Path("/sys/fs/cgroup/cpu.max")


def count_cores() -> int:
    """Return the number of cores, as its affinity and the quota of its container allow."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    with suppress(OSError, ValueError):  # there is no quota, or it is "max"
        quota, period = map(int, QUOTA.read_text().split())
        cores = min(cores, math.ceil(quota / period))
    return cores


def count_workers(text: str) -> int:
    """Return a number of workers, or that of the cores for "auto". Raises ValueError."""
    if text == "auto":
        return count_cores()
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ValueError(f"must be a whole number above 0 or auto, not {text!r}")
    return int(text)
