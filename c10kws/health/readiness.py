"""The checks of ``?ready``: services that the project needs.

To check another service, add a :class:`ReadinessCheck` to ``CHECKS``. A check that needs no I/O can
be any object with the same name and method.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Protocol

from django.db import DEFAULT_DB_ALIAS, connections

logger = logging.getLogger("c10kws")

#: Seconds that a service has to respond. Kubernetes waits one second for a probe by default.
TIMEOUT = 0.8
#: Seconds for which a result is used again, so that many requests cause few checks.
MAX_AGE = 1.0
#: Seconds after which a check that does not end is started again.
ABANDON_AFTER = 60.0
#: The engine of an alias in DATABASES without a configuration.
NO_DATABASE = "django.db.backends.dummy"


class Check(Protocol):
    """A check of ``CHECKS``; ``name`` is the key of its problem in the response."""

    name: str

    def find_problem(self) -> str | None:
        """Return a sentence without secrets, or None."""


class ReadinessCheck:
    """A function that raises if a service cannot be used.

    It runs in a thread of its own, since it may hang. Requests that arrive in the meantime wait for
    the same thread, at most until TIMEOUT seconds after its start.
    """

    def __init__(self, name: str, function: Callable[[], object]) -> None:
        self.name = name
        self._function = function
        self._lock = threading.Lock()
        self._future: Future[None] | None = None
        self._started = 0.0

    def find_problem(self) -> str | None:
        """Return what is wrong with the service, without secrets; None if it can be used."""
        with self._lock:
            future, started = self._current(), self._started
        wait([future], max(started + TIMEOUT - time.monotonic(), 0.0))
        if not future.done():
            return f"No response after {time.monotonic() - started:.1f} s."
        error = future.exception()
        # The text of the exception may contain the address and the user of the service.
        return None if error is None else f"Not available: {type(error).__name__}."

    def _current(self) -> Future[None]:
        """Return the last run, or start another one if it is too old."""
        age = time.monotonic() - self._started
        if self._future is None or age >= (MAX_AGE if self._future.done() else ABANDON_AFTER):
            self._future, self._started = Future(), time.monotonic()
            name = f"c10kws-ready-{self.name}"
            arguments = (self._future,)
            threading.Thread(target=self._run, args=arguments, name=name, daemon=True).start()
        return self._future

    def _run(self, future: Future[None]) -> None:
        try:
            self._function()
        except BaseException as error:  # for the requests that wait
            logger.warning("Health check: the %s is not available: %s", self.name, error)
            future.set_exception(error)
        else:
            future.set_result(None)


def query_database() -> None:
    """Connect to the default database and query it; raises if this fails.

    The other databases are not checked: they are often replicas or used by a few pages only.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.settings_dict["ENGINE"] == NO_DATABASE:
        return
    try:
        connection.ensure_connection()
        if not connection.is_usable():
            raise ConnectionError("the query failed")
    finally:
        connection.close()


CHECKS: list[Check] = [ReadinessCheck("database", query_database)]
