"""``FailureLog``: log of the exceptions of callbacks, which clients cannot fill."""

from __future__ import annotations

import logging
import threading
import traceback

from django.conf import settings

from ...connection.facts import Described, describe
from ...handlers.statistics import statistics

logger = logging.getLogger("c10kws.events")

#: Seconds between two lines about the same failure. An operator sees that it continues; a client
#: that sends thousands of frames a second causes one line a minute.
INTERVAL = 60.0
#: Kinds of failures that are counted separately; most programs have fewer places that raise.
MAX_KINDS = 64

#: The event, the exception's class, and the line of the program that raised it.
Kind = tuple[str, str, str]
OTHERS: Kind = ("any other event", "any other exception", "any other place")


class FailureLog:
    """Logs the first failure of a kind with its traceback, and counts further ones.

    After each interval a summary logs the counts. A kind that did not happen during an interval is
    forgotten; the next one is logged with its traceback again. Under DEBUG each failure is logged.
    """

    def __init__(self, path: str, interval: float = INTERVAL) -> None:
        self._path = path
        self._interval = interval
        self._lock = threading.Lock()
        self._counts: dict[Kind, int] = {}
        self._timer: threading.Timer | None = None

    def log(self, event: str, error: BaseException, client: Described | None = None) -> None:
        """Log an exception of a callback, with its traceback; ``client`` is the connection."""
        statistics.count_callback_error(self._path)
        if self._is_first(event, error):
            logger.error(
                "%s: the callback of %r failed",
                *(self._path, event),
                exc_info=error,
                extra=self._fields(event, client),
            )

    def log_invalid(
        self, event: str, error: BaseException, message: str, client: Described | None = None
    ) -> None:
        """Log in one line that a client sent data that a callback cannot use."""
        if self._is_first(event, error):
            logger.warning(
                "%s: invalid data for %r: %s",
                *(self._path, event, message),
                extra=self._fields(event, client),
            )

    def _fields(self, event: str, client: Described | None) -> dict[str, object]:
        """Return the fields of a log record."""
        facts = {} if client is None else describe(client)
        return {"endpoint": self._path, "path": self._path} | facts | {"event": event}

    def _is_first(self, event: str, error: BaseException) -> bool:
        if settings.DEBUG:
            return True
        kind = (event, type(error).__name__, _place(error))
        with self._lock:
            if kind not in self._counts and len(self._counts) >= MAX_KINDS:
                kind = OTHERS
            first = kind not in self._counts
            self._counts[kind] = 0 if first else self._counts[kind] + 1
            if self._timer is None:
                self._start_timer()
        return first

    def _start_timer(self) -> None:
        """Start a thread for the summary: a log handler may block, and the event loop must not."""
        self._timer = threading.Timer(self._interval, self.summarize)
        self._timer.name = "c10kws-failures"
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """Cancel the next summary; for tests, which leave no thread running."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

    def summarize(self) -> None:
        """Log the number of failures of each kind since the last line about it."""
        with self._lock:
            counts = {kind: count for kind, count in self._counts.items() if count}
            self._counts = dict.fromkeys(counts, 0)
            self._timer = None
            if counts:
                self._start_timer()
        for (event, name, place), count in counts.items():
            logger.error(
                "%s: the callback of %r failed %d more times: %s at %s",
                *(self._path, event, count, name, place),
            )


def _place(error: BaseException) -> str:
    """Return the line that raised an exception."""
    place = "an unknown place"
    for frame, line in traceback.walk_tb(error.__traceback__):
        place = f"{frame.f_code.co_filename}:{line}"
    return place
