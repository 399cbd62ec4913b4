"""One WSGI call and the four ends of its response (``docs/reference/hijack.rst``).

============================ ====================================================================
1 plain iterable             called, iterated and closed in one worker thread, which waits for no
                             client once it has everything
2 async iterable             iterated on the loop; closed in a worker thread
3 deferred                   announced by ``c10kws.defer``, resolved and sent on the loop
4 101 Switching Protocols    head flushed, stream detached, ``close()`` in the same worker thread
============================ ====================================================================

A ``wsgi.file_wrapper`` body is sent as end 2 is: read in the pool, no thread held in between.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import IO, TYPE_CHECKING, Any, cast

from ..accesslog import AccessLine
from ..raw.stream import RawStream, may_upgrade
from ..safelogger import get_logger
from .bodyiteration import aiterate, is_async, is_whole, join_short, run_in_pool
from .deferred import ClosedTogether, Defer
from .filewrapper import FileWrapper
from .resources import Resources
from .response import (
    Head,
    Outgoing,
    StartResponse,
    asks_to_close,
    make_final_head,
    make_head,
    merge_heads,
    plain_error,
)
from .responsewriter import ConnectionLost, ResponseWriter

if TYPE_CHECKING:
    from tornado.http1connection import HTTP1Connection

    from .iostreams import PlainStream

logger = get_logger("c10kws_tornado.error")


class Exchange:
    """A request and its response. ``run`` is the job of a worker thread."""

    def __init__(
        self,
        resources: Resources,
        connection: HTTP1Connection,
        environ: dict[str, Any],
        body: IO[bytes],
        line: AccessLine,
        done: Callable[[], None],
    ) -> None:
        self._resources = resources
        self._environ = environ
        self._method: str = environ["REQUEST_METHOD"]
        self._body = body
        self._line = line
        self._done = done
        self._writer = ResponseWriter(
            connection, resources.mailbox, resources.loop, resources.limits, resources.send_buffers
        )
        self._connection = connection
        self._start = StartResponse(self._write, lambda: self._head_queued)
        self._outgoing: Outgoing | None = None
        self._head_queued = False
        self._end_queued = False
        self._defer = Defer()
        self._task: asyncio.Task[None] | None = None
        self._stream = RawStream()
        self._result: Any = None
        self._endless = False
        environ["c10kws.stream"] = self._stream
        environ["c10kws.loop"] = resources.loop
        environ["c10kws.executor"] = resources.pool
        environ["c10kws.server"] = resources.state
        environ["c10kws.defer"] = self._defer
        environ["c10kws.on_stop"] = resources.on_stop

    @property
    def request_line(self) -> str:
        """The first line of the request for the log."""
        return self._line.request_line

    # In a worker thread

    def run(self) -> None:
        """Call the application and bring its response to one of the four ends."""
        handed_over = False
        try:
            self._body.seek(0)
            self._result = self._resources.application(self._environ, self._start)
            handed_over = self._choose_end()
        except ConnectionLost:
            self._stop()
        except BaseException as error:  # SystemExit too is only the end of a request
            self._fail(error)
        finally:
            if not handed_over:
                self._close()
                self._finish()

    def _choose_end(self) -> bool:
        """Answer whether the loop has the response now, and will close it."""
        if self._defer.awaitable is not None:
            return self._hand_over(self._send_deferred())
        if self._start.status is not None and self._start.status.startswith("101"):
            self._switch()
            return False
        if is_async(self._result) or isinstance(self._result, FileWrapper):
            return self._hand_over(self._send_async(self._begin_body(), self._result))
        if is_whole(self._result):
            self._send_parts(self._begin_body(), self._result)
        else:
            self._send_plain()
        return False

    def _hand_over(self, coroutine: Any) -> bool:
        context = contextvars.copy_context()  # the body may ask for what its view has set
        self._resources.mailbox.post(context.run, self._begin, coroutine)
        return True

    def _send_parts(self, outgoing: Outgoing, body: Iterable[bytes]) -> None:
        """Pass a whole body to the loop, so that a slow client holds no thread."""
        parts = join_short(outgoing.fit_all(body), self._resources.limits.chunk_size)
        if outgoing.overrun:
            self._log_overrun()
        head = None if self._head_queued else outgoing.head
        self._head_queued = True
        self._writer.send(head, parts, last=True)

    def _send_plain(self) -> None:
        """End 1: a chunk goes out when it is yielded (PEP 3333, "Buffering and Streaming")."""
        for data in self._result:
            if data:
                self._write(data)
            if self._outgoing is not None and self._outgoing.complete:
                break
        if self._outgoing is None:
            self._write(b"")
        self._begin_body().check_end()
        if not self._end_queued:
            self._writer.send(None, [], last=True)

    def _write(self, data: bytes) -> None:
        """PEP 3333's ``write()``, and the way of every chunk."""
        outgoing = self._begin_body()
        data = outgoing.fit(data)
        if outgoing.overrun:
            self._log_overrun()
        head = None if self._head_queued else outgoing.head
        self._head_queued = True
        if head is not None or data:
            self._end_queued = outgoing.whole
            self._writer.send(head, [data], last=self._end_queued)

    def _begin_body(self) -> Outgoing:
        """Make the head when the first byte is there, or the end."""
        if self._outgoing is None:
            self._outgoing = Outgoing(self._make_head(), self._method)
        return self._outgoing

    def _make_head(self) -> Head:
        if self._start.status is None:
            raise AssertionError("the application did not call start_response before its body")
        head = make_final_head(
            self._start.status,
            self._start.headers,
            version=self._environ["SERVER_PROTOCOL"],
            close=self._resources.stopping or asks_to_close(self._environ),
        )
        self._line.status = head.code
        return head

    def _log_overrun(self) -> None:
        logger.error(
            "%s: the body is longer than its Content-Length of %d; cut there",
            self._line.request_line,
            self._begin_body().head.length,
        )

    def _switch(self) -> None:
        """End 4: wait for the flush here, so that ``close()`` runs in this thread."""
        assert self._start.status is not None
        if not may_upgrade(self._environ):
            raise ValueError("expected 101 only where an HTTP/1.1 request without a body asks")
        head = make_head(
            self._start.status, self._start.headers, upgrade=self._environ["HTTP_UPGRADE"]
        )
        self._line.status = head.code
        timeout = self._resources.limits.flush_timeout
        switched = threading.Lock()
        switched.acquire()
        self._resources.mailbox.post(
            self._stream.switch, self._connection, head, timeout, switched.release
        )
        switched.acquire(timeout=timeout + 1)
        if not self._stream.upgraded:
            logger.info("%s: the client left before its 101", self._line.request_line)

    def _fail(self, error: BaseException) -> None:
        """The application raised: 500 when its head is unsent, else an aborted connection."""
        logger.error("%s: the application failed", self._line.request_line, exc_info=error)
        if inspect.iscoroutine(self._defer.awaitable):
            self._defer.awaitable.close()  # it may not have begun
        if self._head_queued or self._connection.stream is None:
            self._stop()
            return
        status, headers, body = plain_error(500, "Internal Server Error", "Internal Server Error")
        head = make_head(status, headers)
        self._line.status = head.code
        try:
            self._writer.send(head, [body if head.has_body(self._method) else b""], last=True)
        except ConnectionLost:
            self._stop()

    def _stop(self) -> None:
        self._resources.mailbox.post(self._writer.abort)

    def _close(self) -> None:
        """PEP 3333: ``close()`` is called "regardless of whether the request completed"."""
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        except BaseException:  # the request must end whatever the application does
            logger.exception("%s: close() of the response raised", self._line.request_line)

    def _finish(self) -> None:
        """The last act in the worker thread."""
        try:
            self._body.close()
            self._result = None  # a client may take its time for the bytes of it
            if not self._is_long:
                self._line.size = self._writer.sent
                self._line.write()
        finally:  # whatever a log's handler does
            if self._line.status == 101:  # behind the callback that takes the stream over
                self._resources.loop.call_soon_threadsafe(self._end)
            else:
                self._resources.mailbox.post(self._end)

    @property
    def sent(self) -> int:
        """Bytes of the body that were sent."""
        return self._writer.sent

    @property
    def _is_long(self) -> bool:
        """Return True if much of the response may be unsent when the application is done with it.

        Its access line waits for the end. To have the loop do that for all would cost them a
        wake-up of the log's thread.
        """
        return self._writer.given > self._resources.limits.high_water

    # On the loop

    def _end(self) -> None:
        """Nothing more comes from the application; what it has sent may still be on its way."""
        if self._line.status != 101:
            self._writer.ended.add_done_callback(self._ended)
            return
        # Code that takes the stream over has scheduled it on the loop by now.
        self._stream.close_unattached()
        if self._stream.upgraded:
            self._resources.attached(self._stream)
        self._done()

    def _ended(self, _: object) -> None:
        """Finish the request: the last byte was sent, or the client has disconnected."""
        if self._is_long:
            self._line.size = self._writer.sent
            self._resources.log.write_later(self._line)
        if self._writer.slow is not None:
            self._resources.slow_clients += 1
            self._resources.log.later(self._log_slow_client)
        self._done()

    def _log_slow_client(self) -> None:
        text = "%s: closed a slow client: %s"
        logger.info(text, self._line.request_line, self._writer.slow)

    def leave(self) -> None:
        """Cancel the code on the loop that waits for a disconnected client."""
        self._writer.leave()
        if self._task is not None:
            # Not at once: cancelled before its first step it would not clean up.
            self._resources.loop.call_soon(self._task.cancel)

    def end_early(self) -> None:
        """Cancel an async body that may have no end, because the server stops."""
        if self._endless and self._task is not None:
            self._endless = False
            self._task.cancel()

    def _begin(self, sending: Any) -> None:
        self._task = task = self._resources.spawn(self._supervise(sending))
        if not isinstance(self._result, FileWrapper):
            self._expect_client()
        if self._writer.disconnected:
            self._resources.loop.call_soon(task.cancel)

    def _expect_client(self) -> None:
        """Treat a client that closes its half as disconnected.

        A body that may be silent for long has no other way to detect it. A view in a thread and a
        file have an end, so their response is sent.
        """
        stream = cast("PlainStream", self._connection.stream)
        stream.serves_half_closed = False
        if stream.half_closed:
            self._writer.abort()

    async def _supervise(self, sending: Awaitable[None]) -> None:
        """Ends 2 and 3: send on the loop, then clean up in a thread that is never refused."""
        task = asyncio.current_task()
        try:
            await sending
        except ConnectionLost:
            self._writer.abort()
        except BaseException as error:  # sys.exit() of a body ends its response and no server
            if isinstance(error, GeneratorExit) and not _is_running(task):
                raise  # this coroutine is closed
            if task is not None and task.cancelling():  # the client has left, or the server stops
                self._writer.abort()
            else:
                await run_in_pool(self._resources.pool, self._fail, error)
        finally:
            self._resources.pool.urgent(self._clean_up)

    def _clean_up(self) -> None:
        self._close()
        self._finish()

    async def _send_deferred(self) -> None:
        assert self._defer.awaitable is not None
        awaitable, self._defer.awaitable = self._defer.awaitable, None  # the environ has it
        status, headers, body = await awaitable
        self._start.status = status
        self._start.headers = merge_heads(self._start.headers, headers)
        self._result = ClosedTogether(body, self._result)
        outgoing = await run_in_pool(self._resources.pool, self._begin_body)
        if is_whole(body):
            await self._send_whole(outgoing, body)
        else:
            await self._send_async(outgoing, body)

    async def _send_whole(self, outgoing: Outgoing, body: Iterable[bytes]) -> None:
        """Send what is in memory already: no thread is asked for it."""
        parts = join_short(outgoing.fit_all(body), self._resources.limits.chunk_size)
        if outgoing.overrun:
            await run_in_pool(self._resources.pool, self._log_overrun)
        self._head_queued = True
        await self._writer.send_async(outgoing.head, parts, last=True)

    def _find_block_size(self, suggested: int) -> int:
        """Return the size of a file's next block: less when much waits for other clients."""
        limits = self._resources.limits
        if self._resources.send_buffers.half_full:
            return limits.chunk_size
        return max(suggested, limits.high_water)

    async def _send_async(self, outgoing: Outgoing, body: Any) -> None:
        """Send the head at once (an event stream may be silent for long), then each chunk."""
        pool = self._resources.pool
        self._endless = is_async(body) and outgoing.head.length is None
        chunks = aiterate(body, pool, self._find_block_size)
        head = None if self._head_queued else outgoing.head
        self._head_queued = True
        try:
            await self._writer.send_async(head, [])
            async for data in chunks:
                if fitting := outgoing.fit(data):
                    await self._writer.send_async(None, [fitting])
                if outgoing.complete:
                    break
        finally:
            if hasattr(chunks, "aclose"):
                await chunks.aclose()
        if outgoing.overrun:
            await run_in_pool(pool, self._log_overrun)
        outgoing.check_end()
        await self._writer.send_async(None, [], last=True)


def _is_running(task: asyncio.Task[None] | None) -> bool:
    try:
        return asyncio.current_task() is task
    except RuntimeError:  # no loop runs
        return False
