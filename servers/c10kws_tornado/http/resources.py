"""The resources that all requests of one server share."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ..accesslog import AccessLog
from ..heap import trim_heap
from ..limits import Limits
from ..mailbox import Mailbox
from ..pool import Pool
from ..raw.openstreams import OpenStreams
from .connections import Connections
from .sendbuffers import SendBuffers
from .uploads import Uploads

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Requests to reserved paths that may wait for a thread.
RESERVED_QUEUE_SIZE = 64
#: Seconds to wait for other bodies that end at the same time.
TRIM_DELAY = 1.0


class OpenRequest(Protocol):
    """A request that has not ended, as the shutdown sees it."""

    @property
    def endless(self) -> bool:
        """True while its response may have no end of its own."""

    def end_response(self) -> None:
        """End a response that may have no end of its own."""

    def end_unfinished_body(self) -> None:
        """Refuse it if its body has not arrived completely."""

    def give_up(self) -> None:
        """Log that the server stops without waiting for it."""


class Resources:
    """The application, loop, pool, log, connections and open requests of one server."""

    def __init__(
        self,
        application: WSGIApplication,
        pool: Pool,
        limits: Limits,
        connections: Connections,
        upload_dir: str | os.PathLike[str] | None,
        on_stop: Callable[[Any], None],
        *,
        problems: Callable[[], dict[str, str]],
        reserved_paths: Iterable[str],
    ) -> None:
        self.application = application
        self.loop = asyncio.get_running_loop()
        self.mailbox = Mailbox(self.loop)
        self.pool = pool
        self.limits = limits
        self.connections = connections
        self.on_stop = on_stop
        #: For applications: the problems of the server (``c10kws.problems``).
        self.problems = problems
        self._reserved_paths = frozenset(reserved_paths)
        self._reserved_pool = pool.sibling("c10kws-reserved", queue_size=RESERVED_QUEUE_SIZE)
        #: For applications: data that lives as long as the server (``c10kws.server``).
        self.state: dict[str, Any] = {}
        self.uploads = Uploads(upload_dir, limits)
        self.log = AccessLog()
        self.send_buffers = SendBuffers(limits.max_total_send_bytes, self.log.later)
        self.raw_streams = OpenStreams()
        self.tasks: set[asyncio.Task[None]] = set()
        self.requests: set[OpenRequest] = set()
        self.stopping = False
        self.slow_clients = 0
        self._trimming = False

    def pool_for(self, path: str) -> Pool:
        """Return the pool that calls the application for a request to this path."""
        return self._reserved_pool if path in self._reserved_paths else self.pool

    def spawn(self, coroutine: Any) -> asyncio.Task[None]:
        """Run a coroutine of an exchange; on the loop."""
        task: asyncio.Task[None] = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def trim_later(self) -> None:
        """Return the memory of discarded bodies to the system a moment later; on the loop.

        Many bodies may end together. They leave holes in the heap, which glibc does not return by
        itself.
        """
        if not self._trimming:
            self._trimming = True
            self.loop.call_later(TRIM_DELAY, self._trim)

    def _trim(self) -> None:
        self._trimming = False
        if not self.stopping:
            self.pool.submit_urgent(trim_heap)
