"""Measure garbage collections: ``python -m benchmarks.pauses MODULE …`` runs a module with a log.

A collection stops all threads of its process. Each one that takes at least SHORTEST, and each full
one, adds a line to the file that the environment variable ``BENCHMARKS_PAUSES`` names: when it
began, its processor time (both in nanoseconds) and its generation. Processor time excludes the time
in which another thread or program ran.
"""

from __future__ import annotations

import gc
import os
import runpy
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

VARIABLE = "BENCHMARKS_PAUSES"
#: Nanoseconds; a run without a longer collection has this as its longest pause.
SHORTEST = 100_000
FULL = 2


def watched(command: Sequence[str]) -> list[str]:
    """Return the command ``python -m MODULE …`` with a log of its collections."""
    assert command[1] == "-m", command
    return [*command[:2], "benchmarks.pauses", *command[2:]]


def log_collections(path: str) -> None:
    """Append a line to a file for each long or full collection of this process."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    began = used = 0

    def collected(phase: str, info: Mapping[str, int]) -> None:
        nonlocal began, used
        if phase == "start":
            began, used = time.monotonic_ns(), time.thread_time_ns()
            return
        took = time.thread_time_ns() - used
        if took >= SHORTEST or info["generation"] == FULL:
            os.write(log, b"%d %d %d\n" % (began, took, info["generation"]))

    gc.callbacks.append(collected)


def pauses(log: Path, begin: int, end: int) -> dict[str, Any]:
    """Return the longest pause and the number of full collections between two times."""
    lines = log.read_text(encoding="ascii").splitlines() if log.exists() else []
    rows = [[int(word) for word in line.split()] for line in lines]
    within = [row for row in rows if begin <= row[0] < end]
    return {
        "longest_pause_us": max((row[1] for row in within), default=SHORTEST) / 1000,
        "opening_pause_us": max((row[1] for row in rows if row[0] < begin), default=SHORTEST)
        / 1000,
        "full_collections": sum(row[2] == FULL for row in within),
    }


if __name__ == "__main__":
    log_collections(os.environ[VARIABLE])
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
