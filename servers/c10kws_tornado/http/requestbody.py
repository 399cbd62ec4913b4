"""The body of a request while it arrives: stored, limited and timed."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from functools import partial
from typing import IO, Any

from ..accesslog import AccessLine
from ..safelogger import get_logger
from .bodytimer import BodyTimer
from .errorresponse import ErrorResponse, plain_error, stalled_body, too_large, unavailable
from .resources import Resources

logger = get_logger("c10kws_tornado")


class RequestBody:
    """One body; used on the loop's thread.

    ``refuse`` is called with an error response when the body is too long, too slow, or cannot be
    stored.
    """

    def __init__(
        self,
        resources: Resources,
        line: AccessLine,
        refuse: Callable[[ErrorResponse], object],
    ) -> None:
        self._resources = resources
        self._left = asyncio.Event()
        self._line = line
        self._refuse = refuse
        self._upload = resources.uploads.make_upload()
        self._file: IO[bytes] | None = self._upload.file  # until it is taken or discarded
        self._job: Future[None] | None = None  # that writes to disk
        self._timer = BodyTimer(resources.loop, resources.limits, self._stall)
        self.size = 0

    def receive(self, chunk: bytes) -> Awaitable[None] | None:
        """Store a piece in memory, or on disk (by the pool) when memory is full."""
        if self._file is None:
            return None
        self.size += len(chunk)
        self._timer.received(len(chunk))
        limit = self._resources.limits.max_body_size
        if self.size > limit:
            self.discard()
            self._refuse(too_large(limit))
        elif not self._upload.keep(chunk):
            return self._write_to_disk(chunk)
        return None

    async def _write_to_disk(self, chunk: bytes) -> None:
        """Write in the pool. Stop waiting for a thread if the client disconnects meanwhile."""
        self._timer.pause()
        self._job = self._resources.pool.submit_urgent(self._upload.store, chunk)
        writing = asyncio.wrap_future(self._job)
        leaving = asyncio.ensure_future(self._left.wait())
        either: set[asyncio.Future[Any]] = {writing, leaving}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        self._timer.resume()
        if writing.done():
            self._upload.leave_memory()
            self._finish_writing(writing.exception())
        else:
            writing.cancel()

    def _finish_writing(self, error: BaseException | None) -> None:
        if error is None or self._file is None:  # it took too long, and was discarded meanwhile
            return
        if not isinstance(error, OSError):
            raise error
        self.discard()
        if error.errno in (errno.EMFILE, errno.ENFILE):
            text = "%s: the body could not be stored: %s. Sent 503. Raise the limit (ulimit -n)."
            line = self._line.escaped
            self._resources.log.later(partial(logger.error, text, line, os.strerror(error.errno)))
            self._refuse(unavailable("The server has no file descriptor for the request body."))
            return
        self._resources.log.later(partial(self._log_unstored, error))
        text = "The server has no space to store the request body."
        self._refuse(plain_error(507, "Insufficient Storage", text))

    def _log_unstored(self, error: OSError) -> None:
        logger.error(
            "%s: the body could not be stored in %s: %s. Sent 507. Free some space there, or "
            "choose another folder (upload_dir).",
            self._line.escaped,
            self._resources.uploads.folder,
            error,
        )

    def _stall(self) -> None:
        message = "%s: the body did not arrive in time (%d bytes in %.0f s); sent 408."
        seconds = time.monotonic() - self._line.started
        self._resources.log.later(
            partial(logger.info, message, self._line.escaped, self.size, seconds)
        )
        self.discard()
        self._resources.trim_later()
        self._refuse(stalled_body())

    def stop_timer(self) -> None:
        """Stop the timer: the body is complete, or no longer needed."""
        self._timer.cancel()

    def client_disconnected(self) -> None:
        """Stop waiting for a thread that writes a piece, and discard the body."""
        self._left.set()
        self.discard()

    def take(self) -> IO[bytes]:
        """Return the complete body as a file, which the caller closes."""
        assert self._file is not None
        file, self._file = self._file, None
        return file

    def discard(self) -> None:
        """Stop the timer, and close the body in the pool: it may be a file of 100 MiB."""
        self._timer.cancel()
        if self._file is not None:
            close = partial(self._resources.pool.submit_urgent, self._file.close)
            self._file = None
            if self._job is None:
                close()
            else:  # after it, since two threads must not use the file at the same time
                self._job.add_done_callback(lambda _: close())

    def leave_memory(self) -> None:
        """Stop counting the body's memory: the request has ended."""
        self._upload.leave_memory()
