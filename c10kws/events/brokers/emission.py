"""``Emission``: the result of an emit to many clients."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import Future

from ...connection.loop import on_event_loop
from .futures import result_of

#: One for all: it is held for a moment, and an emission is seldom awaited.
_lock = threading.Lock()


class Emission:
    """An event on its way to the clients of this process; it may be ignored.

    In a coroutine ``await`` it, in another thread call :meth:`result`. Both return when the event
    has been written to all clients of this process, so what is written then comes after it.

    Both raise :exc:`BrokerUnavailable` if the broker did not take the event.
    """

    __slots__ = ("_committing", "_error", "_future", "_missing")

    def __init__(self) -> None:
        self._missing = 1  # event loops that have not written it yet, once they are known
        self._committing: int | None = None  # the thread whose transaction it waits for
        self._error: Exception | None = None
        self._future: Future[None] | None = None

    def done(self) -> bool:
        """Return True when the event has been written to the clients, or has failed."""
        return self._missing <= 0

    def result(self, timeout: float | None = None) -> None:
        """Wait, in a thread other than the event loop's.

        Raises TimeoutError after ``timeout`` seconds, and RuntimeError where it would wait for
        ever: in the transaction whose commit the event waits for, and on an event loop.
        """
        if self._committing == threading.get_ident():
            raise RuntimeError(
                "The event waits for the commit of this transaction. Call result() after it, or "
                "emit with on_commit=False."
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
        """Mark it as waiting for the commit of this thread's transaction."""
        self._committing = threading.get_ident()

    def committed(self) -> None:
        """Mark the transaction as committed."""
        self._committing = None

    def expect(self, missing: int) -> None:
        """Set the number of event loops that will write it, before any of them does."""
        with _lock:
            if self.done():  # it has failed meanwhile
                return
            self._missing = missing
            future = self._future if missing == 0 else None
        if future is not None:
            future.set_result(None)

    def count(self) -> None:
        """Count one event loop that has written it."""
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
            self._missing, self._error = 0, error
            future = self._future
        if future is not None:
            future.set_exception(error)

    def _as_future(self) -> Future[None]:
        with _lock:
            if self._future is None:
                self._future = Future()
                self._future.set_running_or_notify_cancel()  # awaiting tasks may be cancelled
                if self._error is not None:
                    self._future.set_exception(self._error)
                elif self.done():
                    self._future.set_result(None)
            return self._future
