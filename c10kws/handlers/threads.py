"""Threads for the synchronous calls of handlers: the ORM, ``sync_to_async``.

asgiref would run every thread-sensitive call of every handler on one thread. Here they run in a
bounded pool, those of different connections at the same time: all handlers of a server share one
``ThreadSensitiveContext``, whose executor is that pool. Pages have another pool, since their
request signals would close the database connection while a handler iterates over a cursor.

A thread that has been idle for a second closes its old database connections, so that idle sockets
hold none. It waits longer while a handler that used it is busy: a cursor of ``aiterator()`` may be
open between two calls. A thread that ends closes all of its database connections.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, Protocol, TypeVar
from weakref import WeakSet

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext
from django.db import close_old_connections, connections

from .. import hijack
from ..connection.watchdog import current

logger = logging.getLogger("c10kws")

T = TypeVar("T")

#: Limit of queued jobs. A handler waits for one at a time, so this is a number of connections.
QUEUE_SIZE = 65_536
#: Seconds for which a busy handler may keep the database connection of an idle thread.
LEASE = 60.0


class Caller(Protocol):
    """Origin of sync calls: a WebSocket, or the coroutine of an ``@asynchronous`` view."""

    @property
    def waiting(self) -> bool:
        """True while nothing is in progress, so that no cursor can be open."""


class HandlerThreads(Executor):
    """The pool for the handlers of one server, as an executor for asgiref and asyncio."""

    def __init__(self, pages: hijack.Executor) -> None:
        self._pool = pages.sibling(
            "c10kws-handler",
            queue_size=QUEUE_SIZE,
            on_idle=self._close_idle_connections,
            on_exit=connections.close_all,
        )
        # A pool of its own, so that log lines do not wait for handlers whose calls hang.
        self._background = pages.sibling(
            "c10kws-background",
            queue_size=QUEUE_SIZE,
            on_idle=_close_old_connections,
            on_exit=connections.close_all,
        )
        # Receivers of signals may wait for the database, and neither lines nor handlers for them.
        self._signals = pages.sibling(
            "c10kws-signals",
            queue_size=QUEUE_SIZE,
            on_idle=_close_old_connections,
            on_exit=connections.close_all,
        )
        self._context = ThreadSensitiveContext()
        self._local = threading.local()
        SyncToAsync.context_to_thread_executor[self._context] = self

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` in a thread of the pool, on behalf of the current connection."""
        return self._pool.submit(self._run, current.get(), fn, *args, **kwargs)

    def enter(self, caller: Caller) -> None:
        """Use this pool in the current context: for a handler's task and the tasks it starts."""
        current.set(caller)
        SyncToAsync.thread_sensitive_context.set(self._context)
        # A handshake under an async middleware leaves the executor of a thread that is busy now.
        if getattr(AsyncToSync.executors, "current", None) is not None:
            AsyncToSync.executors.current = None

    def run_in_background(self, function: Callable[..., object], *args: Any) -> None:
        """Call a function that may block, for example to log; an exception is logged.

        If the pool's queue is full, the function is called in this thread, since a line must not be
        lost.
        """
        try:
            self._background.submit(_call, function, *args)
        except Exception:
            _call(function, *args)

    def submit_signal(self, function: Callable[..., object], *args: Any) -> Future[Any]:
        """Call receivers of a signal in a thread. Raises when the queue is full."""
        return self._signals.submit(_call, function, *args)

    def _run(self, caller: Caller | None, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if caller is not None:
            self._callers().add(caller)
        try:
            return fn(*args, **kwargs)
        finally:
            self._local.last = time.monotonic()

    def _callers(self) -> WeakSet[Caller]:
        callers: WeakSet[Caller] | None = getattr(self._local, "callers", None)
        if callers is None:
            callers = self._local.callers = WeakSet()
        return callers

    def _close_idle_connections(self) -> bool:
        leased = any(not caller.waiting for caller in self._callers())
        if leased and time.monotonic() - self._local.last < LEASE:
            return False
        self._callers().clear()
        close_old_connections()
        return True


def _close_old_connections() -> bool:
    close_old_connections()
    return True


def _call(function: Callable[..., object], *args: Any) -> None:
    """Call a function and log its exception, such as that of a log handler: no task awaits it."""
    try:
        function(*args)
    except BaseException:
        logger.exception("%r failed in a background thread.", function)
