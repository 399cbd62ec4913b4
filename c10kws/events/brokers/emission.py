"""``Emission``: the result of an emit to many clients."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import Future

from ...connection.loop import on_event_loop
from .futures import result_of

#: One lock for all emissions, to save memory: it is held only for a moment. While it is held, an
#: event may be dropped and fail, since Python may collect garbage at any time.
_lock = threading.RLock()


class Emission:
    """Returned by ``emit``; may be ignored.

    In a coroutine ``await`` it, in a thread call :meth:`result`. Both wait until the event has been
    written to all clients of this process, so everything that is written afterwards arrives after
    it. Both raise :exc:`BrokerUnavailable` if the broker has not accepted the event, and
    :exc:`RolledBack` if the transaction of the event was rolled back.
    """

    __slots__ = ("_committing", "_error", "_future", "_missing")

    def __init__(self) -> None:
        self._missing = 1  # number of event loops that have not written the event yet
        self._committing: int | None = None  # the thread whose commit the event waits for
        self._error: Exception | None = None
        self._future: Future[None] | None = None

    def done(self) -> bool:
        """Return True when the event has been written to the clients, or has failed."""
        return self._missing <= 0

    def result(self, timeout: float | None = None) -> None:
        """Wait in a thread, but not in that of an event loop.

        Raises TimeoutError after ``timeout`` seconds. Raises RuntimeError on an event loop, and in
        the transaction whose commit the event waits for: it would wait forever.
        """
        if self._committing == threading.get_ident():
            raise RuntimeError(
                "The event waits for the commit of this transaction. Call result() after the "
                "commit, or emit with on_commit=False."
            )
        if not self.done() and on_event_loop():
            raise RuntimeError("result() would block the event loop; await the emit instead.")
        self._as_future().result(timeout)

    def __await__(self) -> Generator[object, None, None]:
        if not self.done():
            return (yield from result_of(self._as_future()).__await__())
        if self._error is not None:
            raise self._error
        return None

    def wait_for_commit(self) -> None:
        """Mark the event as waiting for the commit of this thread's transaction."""
        self._committing = threading.get_ident()

    def committed(self) -> None:
        """Mark the transaction as committed."""
        self._committing = None

    def expect(self, missing: int) -> None:
        """Set the number of event loops that will write the event, before one of them does."""
        with _lock:
            if self.done():  # it has failed in the meantime
                return
            self._missing = missing
            future = self._future if missing == 0 else None
        if future is not None:
            future.set_result(None)

    def count(self) -> None:
        """Count one event loop that has written the event."""
        with _lock:
            self._missing -= 1
            future = self._future if self._missing == 0 else None
        if future is not None:
            future.set_result(None)

    def fail(self, error: Exception) -> None:
        """End with an error, unless it is done."""
        with _lock:
            if self.done():
                return
            self._missing, self._error, self._committing = 0, error, None
            future = self._future
        if future is not None:
            future.set_exception(error)

    def _as_future(self) -> Future[None]:
        with _lock:
            if self._future is None:
                self._future = Future()
                self._future.set_running_or_notify_cancel()  # tasks that await it may be cancelled
                if self._error is not None:
                    self._future.set_exception(self._error)
                elif self.done():
                    self._future.set_result(None)
            return self._future
