"""State shared by the exchanges of one server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..accesslog import AccessLog
from ..heap import trim_heap
from ..limits import Limits
from ..mailbox import Mailbox
from ..pool import Pool
from ..raw.stream import RawStream
from .sendbuffers import SendBuffers
from .uploads import Uploads

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from .incoming import IncomingRequest

#: Seconds to wait for other bodies that end at the same time.
TRIM_DELAY = 1.0


class Resources:
    """The application, loop, pool, tasks and requests of a server, and its state of stopping."""

    def __init__(
        self,
        application: WSGIApplication,
        loop: asyncio.AbstractEventLoop,
        pool: Pool,
        limits: Limits,
        uploads: Uploads,
        on_stop: Callable[[Any], None],
        attached: Callable[[RawStream], None],
    ) -> None:
        self.application = application
        self.loop = loop
        self.mailbox = Mailbox(loop)
        self.pool = pool
        self.limits = limits
        self.uploads = uploads
        self.on_stop = on_stop
        #: Where applications keep what lives as long as the server: ``c10kws.server``.
        self.state: dict[str, Any] = {}
        self.attached = attached
        self.log = AccessLog()
        self.send_buffers = SendBuffers(limits.max_total_send_bytes, self.log.later)
        self.tasks: set[asyncio.Task[None]] = set()
        self.requests: set[IncomingRequest] = set()
        self.stopping = False
        self.slow_clients = 0
        self._trimming = False

    def spawn(self, coroutine: Any) -> asyncio.Task[None]:
        """Run a coroutine of an exchange; on the loop."""
        task: asyncio.Task[None] = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def trim_later(self) -> None:
        """Return the memory of discarded bodies to the system; on the loop.

        Not at once: many may end together. Such bodies leave holes in the heap, of which glibc by
        itself would give nothing back.
        """
        if not self._trimming:
            self._trimming = True
            self.loop.call_later(TRIM_DELAY, self._trim)

    def _trim(self) -> None:
        self._trimming = False
        if not self.stopping:
            self.pool.urgent(trim_heap)
