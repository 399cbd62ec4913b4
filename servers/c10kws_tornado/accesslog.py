"""The access log: one line a request, never written by the thread of the event loop."""

from __future__ import annotations

import codecs
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .pool import Pool

logger = logging.getLogger("c10kws_tornado.access")

#: Looked up now: Python imports a codec at its first use, which fails without a free descriptor.
escape = codecs.getencoder("unicode_escape")
#: Lines that may wait for a thread; when all threads hang, more are counted and not kept.
MAX_WAITING = 10_000


@dataclass(slots=True)
class Line:
    """What is known of a request, and the line that says it."""

    remote_addr: str
    request_line: str
    started: float = field(default_factory=time.monotonic)
    status: int = 0
    size: int = 0
    ended: float = 0.0

    def write(self) -> None:
        """Log the line; its parts are attributes of the record too."""
        level = logging.INFO if self.status < 400 else logging.WARNING
        level = level if self.status < 500 else logging.ERROR
        if not logger.isEnabledFor(level):
            return
        duration = (self.ended or time.monotonic()) - self.started
        logger.log(
            level,
            '%s "%s" %d %d %.3fs',
            self.remote_addr or "-",
            # A control character in a request line must not forge another line.
            escape(self.request_line)[0].decode("ascii"),
            self.status,
            self.size,
            duration,
            extra={
                "status_code": self.status,
                "remote_addr": self.remote_addr,
                "duration": duration,
                "size": self.size,
            },
        )


class AccessLog:
    """Lines from the loop's thread, written by a thread of the pool in their order."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lines: deque[Callable[[], None]] = deque()
        self._dropped = 0
        self._lock = threading.Lock()
        self._draining = False

    def write_later(self, line: Line) -> None:
        """Take a line on the loop's thread."""
        line.ended = time.monotonic()
        self.later(line.write)

    def later(self, write: Callable[[], None]) -> None:
        """Take a function that logs."""
        with self._lock:
            if len(self._lines) >= MAX_WAITING:
                self._dropped += 1
                return
            self._lines.append(write)
            if self._draining:
                return
            self._draining = True
        self._pool.urgent(self._drain)

    def _drain(self) -> None:
        while True:
            with self._lock:
                dropped, self._dropped = self._dropped, 0
                if not self._lines and not dropped:
                    self._draining = False
                    return
                write = self._lines.popleft() if self._lines else None
            if dropped:
                logger.error("%d lines were dropped: no thread was free to write them", dropped)
            if write is not None:
                try:
                    write()
                except Exception:  # a handler's fault; the lines behind it are not lost
                    traceback.print_exc()
