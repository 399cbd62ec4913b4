"""BaseExceptions of the application: which of them belong to the loop or the process.

Code of an application may raise any class: the panic of an extension module, the outcome of a test
library, GeneratorExit, SystemExit. Each ends only the call that raised it. Three must propagate:
the cancellation of a task, the end of a coroutine that is closed, and Ctrl-C.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import suppress
from typing import Any


def must_pass(error: BaseException) -> bool:
    """Return True for an exception that a coroutine must not handle as the application's."""
    if isinstance(error, asyncio.CancelledError):
        task = _current_task()
        return task is None or task.cancelling() > 0  # else it awaited something cancelled
    if isinstance(error, GeneratorExit):
        return _current_task() is None  # the coroutine is closed, or collected as garbage
    return is_ctrl_c(error)


def is_ctrl_c(error: BaseException) -> bool:
    """Return True for a KeyboardInterrupt that Python's own signal handler may have raised.

    A server has a handler of its own, and other threads get no signals.
    """
    return (
        isinstance(error, KeyboardInterrupt)
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    )


def _current_task() -> asyncio.Task[Any] | None:
    with suppress(RuntimeError):
        return asyncio.current_task()
    return None
