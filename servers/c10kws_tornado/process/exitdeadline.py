"""A deadline for the exit of a process that does not end by itself."""

from __future__ import annotations

import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from ..safelogger import get_logger

logger = get_logger("c10kws_tornado")

#: Seconds that the exit of a command waits for threads of the application that are not daemons.
EXIT_TIMEOUT = 2.0
#: Seconds that log handlers may take for the last lines.
LOG_TIMEOUT = 1.0


class ExitDeadline:
    """A thread that ends the process at a deadline, even if the event loop is blocked.

    ``describe`` names what is still running, for the log.
    """

    def __init__(self, describe: Callable[[], str]) -> None:
        self._describe = describe
        #: Seconds, or None to disarm. A SimpleQueue, because signal handlers put into it.
        self._requests: queue.SimpleQueue[float | None] = queue.SimpleQueue()

    def start(self) -> None:
        """Start the thread, which waits for :meth:`arm`."""
        threading.Thread(target=self._run, name="c10kws-exit-deadline", daemon=True).start()

    def arm(self, seconds: float) -> None:
        """End the process in ``seconds``, or at an earlier deadline; may be called by signals."""
        self._requests.put(seconds)

    def disarm(self) -> None:
        """End the thread."""
        self._requests.put(None)

    def _run(self) -> None:
        deadline: float | None = None
        while deadline is None or time.monotonic() < deadline:
            left = None if deadline is None else max(deadline - time.monotonic(), 0)
            with suppress(queue.Empty):
                seconds = self._requests.get(timeout=left)
                if seconds is None:
                    return
                due = time.monotonic() + seconds
                deadline = due if deadline is None else min(due, deadline)
        self.end()

    def end(self) -> None:
        """Log what is still running, and end the process now."""
        run_with_timeout(LOG_TIMEOUT, self._log)
        exit_now()

    def _log(self) -> None:
        logger.error(
            "The process did not end in time; exiting. Still running: %s", self._describe()
        )


def exit_now() -> None:
    """End the process now, with status 0, since it was asked to stop."""
    run_with_timeout(LOG_TIMEOUT, flush)
    os._exit(0)


def flush() -> None:
    """Flush the buffers of logs and standard streams."""
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # closed, or a pipe without a reader
            stream.flush()


def run_with_timeout(seconds: float, function: Callable[[], object]) -> None:
    """Call a function in a thread and wait a limited time: it may wait for a lock."""
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(seconds)


def exit_within(seconds: float) -> None:
    """Wait at most ``seconds`` for threads that delay the exit, then end the process."""
    deadline = ExitDeadline(_name_threads)
    deadline.start()
    deadline.arm(seconds)


def _name_threads() -> str:
    threads = [thread for thread in threading.enumerate() if not thread.daemon]
    names = [thread.name for thread in threads if thread is not threading.main_thread()]
    return f"threads {', '.join(names)}" if names else "no known threads"
