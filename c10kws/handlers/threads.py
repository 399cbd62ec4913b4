"""Threads for the synchronous calls of handlers: the ORM, ``sync_to_async``.

asgiref would run every thread-sensitive call of every handler on one thread. Here they run in a
bounded pool, side by side for different connections: one shared ``ThreadSensitiveContext`` whose
executor is that pool. It is not the pool of the pages, whose request signals would close the
database connection under a running cursor.

A thread that has had nothing to do for a second closes its old database connections, so that an
idle socket holds none. It waits longer while a handler that used it is in the middle of something:
a cursor of ``aiterator()`` may be open between two of its calls.
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
from django.db import close_old_connections

from .. import hijack
from ..connection.watchdog import current

logger = logging.getLogger("c10kws")

T = TypeVar("T")

#: Jobs that may wait for a thread; a handler waits for one at a time, so this is connections.
QUEUE_SIZE = 65_536
#: How long a busy handler may keep the database connection of an idle thread.
LEASE = 60.0


class User(Protocol):
    """Whose calls they are: a WebSocket, or the coroutine of an ``@asynchronous`` view."""

    @property
    def waiting(self) -> bool:
        """True when nothing is in progress."""


class HandlerThreads(Executor):
    """The pool for one server's handlers, as an executor that asgiref and asyncio can use."""

    def __init__(self, pages: hijack.Executor) -> None:
        self._pool = pages.sibling(
            "c10kws-handler", queue_size=QUEUE_SIZE, on_idle=self._close_connections
        )
        # Reports of connections do not wait for handlers whose calls hang.
        self._reports = pages.sibling(
            "c10kws-report", queue_size=QUEUE_SIZE, on_idle=_close_all_connections
        )
        self._context = ThreadSensitiveContext()
        self._local = threading.local()
        SyncToAsync.context_to_thread_executor[self._context] = self

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Run ``fn`` in a thread of the pool, on behalf of the current connection."""
        return self._pool.submit(self._run, current.get(), fn, *args, **kwargs)

    def enter(self, user: User) -> None:
        """Make this pool the one of the current context: of the handler's task and its children."""
        current.set(user)
        SyncToAsync.thread_sensitive_context.set(self._context)
        # A handshake under an async middleware leaves the executor of a thread that has gone on.
        if getattr(AsyncToSync.executors, "current", None) is not None:
            AsyncToSync.executors.current = None

    def report(self, write: Callable[..., object], *args: Any) -> None:
        """Log something in the pool; when even that is full, here: late is better than lost."""
        try:
            self._reports.submit(_write, write, *args)
        except Exception:
            _write(write, *args)

    def _run(self, user: User | None, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if user is not None:
            self._users().add(user)
        try:
            return fn(*args, **kwargs)
        finally:
            self._local.last = time.monotonic()

    def _users(self) -> WeakSet[User]:
        users: WeakSet[User] | None = getattr(self._local, "users", None)
        if users is None:
            users = self._local.users = WeakSet()
        return users

    def _close_connections(self) -> bool:
        leased = any(not user.waiting for user in self._users())
        if leased and time.monotonic() - self._local.last < LEASE:
            return False
        self._users().clear()
        close_old_connections()
        return True


def _close_all_connections() -> bool:
    close_old_connections()
    return True


def _write(write: Callable[..., object], *args: Any) -> None:
    """Write a report; log the error of a log handler (mail to ADMINS), which no task awaits."""
    try:
        write(*args)
    except BaseException:
        logger.exception("a report could not be written")
