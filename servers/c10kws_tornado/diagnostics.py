"""Names of running jobs, tasks and places in the code, for log lines."""

from __future__ import annotations

import asyncio
import functools
import sys
import sysconfig
from collections.abc import Iterable
from types import FrameType
from typing import Any

from .pool import Pool
from .pooljob import RunningJob

#: Names in one log line; the others are counted.
MAX_NAMES = 10
#: Folders of code that is not the user's.
LIBRARIES = tuple(
    sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


def join(names: Iterable[str]) -> str:
    """Return the first names in one line, and the number of the others."""
    found = list(names)
    others = len(found) - MAX_NAMES
    return ", ".join(found[:MAX_NAMES]) + (f" and {others} others" if others > 0 else "")


def name_job(job: RunningJob) -> str:
    """Return the request line of an exchange, or the name of the function."""
    fn: Any = job.fn
    if line := getattr(getattr(fn, "__self__", None), "request_line", None):
        return str(line)
    while isinstance(fn, functools.partial):  # asyncio.to_thread() passes (context.run, function)
        fn = fn.args[0] if fn.args and hasattr(fn.func, "__self__") else fn.func
    return str(getattr(fn, "__qualname__", fn))


def name_jobs_of(pool: Pool) -> list[str]:
    """Return the names of the running jobs of a pool, and how long each has run."""
    return [
        f"{name_job(job)} ({job.seconds:.1f} s{place_of(job.thread)})" for job in pool.running()
    ]


def name_jobs(pool: Pool) -> list[str]:
    """Return the same for a pool and its siblings."""
    return [name for each in (pool, *pool.siblings) for name in name_jobs_of(each)]


def name_task(task: asyncio.Task[Any]) -> str:
    """Return the name of a task, which is a path for a handler, and of its coroutine."""
    coroutine = task.get_coro()
    return f"{task.get_name()} ({getattr(coroutine, '__qualname__', coroutine)})"


def place_of(thread: int) -> str:
    """Return ", in file:line function" for the innermost frame of a thread in the user's code.

    Without user code on the stack, return it for the innermost frame of all.
    """
    frame = innermost = sys._current_frames().get(thread)
    while frame is not None and not _is_users(frame):
        frame = frame.f_back
    frame = frame or innermost
    if frame is None:
        return ""
    return f", in {frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"


def _is_users(frame: FrameType) -> bool:
    name: str = frame.f_globals.get("__name__", "")
    if name.partition(".")[0] in ("c10kws", "c10kws_tornado"):
        return False
    filename = frame.f_code.co_filename
    return not filename.startswith("<") and not filename.startswith(LIBRARIES)
