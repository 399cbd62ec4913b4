"""The access log: one line for each request, never written by the thread of the event loop."""

from __future__ import annotations

import codecs
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field

from .safelogger import get_logger

logger = get_logger("c10kws_tornado.access")

#: Imported now: at its first use the import could fail for lack of a free descriptor.
escape = codecs.getencoder("unicode_escape")
#: Lines that may be queued for slow log handlers; further lines are counted and dropped.
MAX_QUEUED = 10_000


@dataclass(slots=True)
class AccessLine:
    """The data of a request for its access line."""

    remote_addr: str
    request_line: str
    started: float = field(default_factory=time.monotonic)
    status: int = 0
    size: int = 0
    ended: float = 0.0
    written: bool = False
    referer: str = ""
    user_agent: str = ""

    @property
    def escaped(self) -> str:
        """The request line without control characters, which could forge lines of a log."""
        return escape(self.request_line)[0].decode("ascii")

    def write(self) -> None:
        """Log the line once. Its parts are also attributes of the record."""
        if self.written:  # a stopping server writes it before the thread of the request has ended
            return
        self.written = True
        level = level_of(self.status)
        if not logger.isEnabledFor(level):
            return
        duration = (self.ended or time.monotonic()) - self.started
        logger.log(
            level,
            '%s "%s" %d %d %.3fs',
            self.remote_addr or "-",
            self.escaped,
            self.status,
            self.size,
            duration,
            extra=self._request()
            | {
                "status_code": self.status,
                "remote_addr": self.remote_addr,
                "duration": duration,
                "size": self.size,
                "referer": self.referer,
                "user_agent": self.user_agent,
            },
        )

    def _request(self) -> dict[str, object]:
        """Return method and path of the request line; an invalid one has none."""
        method, _, rest = self.request_line.partition(" ")
        path = rest.rpartition(" ")[0].partition("?")[0]
        return {"method": method, "path": path} if path else {}


def level_of(status: int) -> int:
    """Return the level of the access line of a status."""
    if status < 400:
        return logging.INFO
    return logging.WARNING if status < 500 else logging.ERROR


class AccessLog:
    """Log lines of the loop's thread, written in order by another thread.

    That thread starts with the first line and ends after :meth:`close`. It is a daemon: lines that
    a log handler has not written when the process exits are lost.
    """

    def __init__(self) -> None:
        self._lines: deque[Callable[[], None]] = deque()
        self._dropped = 0
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._writing = False
        self._closed = False

    @property
    def at_work(self) -> bool:
        """True while lines are queued or one is being written."""
        return self._writing or bool(self._lines)

    def write_later(self, line: AccessLine) -> None:
        """Queue a line on the loop's thread."""
        line.ended = time.monotonic()
        self.later(line.write)

    def later(self, write: Callable[[], None]) -> None:
        """Queue a function that logs."""
        with self._changed:
            if len(self._lines) >= MAX_QUEUED:
                self._dropped += 1
                return
            self._lines.append(write)
            if self._thread is None or not self._thread.is_alive():  # not copied by a fork
                self._thread = threading.Thread(target=self._run, name="c10kws-log", daemon=True)
                self._thread.start()
            else:
                self._changed.notify()

    def close(self) -> None:
        """End the thread after all lines are written."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.wait_for(lambda: self._lines or self._closed)
                if not self._lines:
                    self._thread = None
                    return
                write = self._lines.popleft()
                dropped, self._dropped = self._dropped, 0
                self._writing = True
            if dropped:
                logger.error("Dropped %d log lines: the log handlers are too slow.", dropped)
            try:
                write()
            except BaseException:  # of a log handler; the next lines must not be lost
                traceback.print_exc()
            del write


def reopen_files() -> None:
    """Close the files of all FileHandlers; each is reopened with its next line."""
    loggers = [logging.root, *map(logging.getLogger, list(logging.root.manager.loggerDict))]
    handlers = {handler for each in loggers for handler in each.handlers}
    for handler in handlers:
        if isinstance(handler, logging.FileHandler):
            with handler.lock or nullcontext():
                handler.mode = handler.mode.replace("w", "a")  # the file may not have been moved
                stream, handler.stream = handler.stream, None
                if stream is not None:
                    stream.close()
