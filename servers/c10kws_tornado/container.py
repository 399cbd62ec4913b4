"""One WSGI call and the four ends of its response (``docs/hijack.rst``).

============================ ====================================================================
1 plain iterable             called, iterated and closed in one worker thread
2 async iterable             iterated on the loop; closed in a worker thread
3 deferred                   announced by ``c10kws.defer``, resolved and sent on the loop
4 101 Switching Protocols    head flushed, stream detached, ``close()`` in the same worker thread
============================ ====================================================================

A ``wsgi.file_wrapper`` body is sent as end 2 is: read in the pool, no thread held in between.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import IO, TYPE_CHECKING, Any, cast

from .accesslog import AccessLog, Line
from .filewrapper import FileWrapper
from .limits import Limits
from .pool import Pool
from .response import Head, StartResponse, make_head, merge_heads, plain_error
from .sender import ClientGone, Sender
from .stream import RawStream

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from tornado.http1connection import HTTP1Connection

logger = logging.getLogger("c10kws_tornado.error")

Deferred = Awaitable[tuple[str, list[tuple[str, str]], Iterable[bytes] | AsyncIterable[bytes]]]


class ShortBody(Exception):
    """Less came than the head has promised."""


class Container:
    """What the exchanges of one server share."""

    def __init__(
        self,
        application: WSGIApplication,
        loop: asyncio.AbstractEventLoop,
        pool: Pool,
        limits: Limits,
        on_stop: Callable[[Any], None],
        attached: Callable[[RawStream], None],
    ) -> None:
        self.application = application
        self.loop = loop
        self.pool = pool
        self.limits = limits
        self.on_stop = on_stop
        self.attached = attached
        self.log = AccessLog(pool)
        self.tasks: set[asyncio.Task[None]] = set()

        self.stopping = False

    def spawn(self, coroutine: Any) -> asyncio.Task[None]:
        """Run a coroutine of an exchange; on the loop."""
        task: asyncio.Task[None] = self.loop.create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


class Exchange:
    """A request and its response. ``run`` is the job of a worker thread."""

    def __init__(
        self,
        container: Container,
        connection: HTTP1Connection,
        environ: dict[str, Any],
        body: IO[bytes],
        line: Line,
        done: Callable[[], None],
    ) -> None:
        self._container = container
        self._environ = environ
        self._method: str = environ["REQUEST_METHOD"]
        self._body = body
        self._line = line
        self._done = done
        self._sender = Sender(connection, container.loop, container.limits)
        self._connection = connection
        self._start = StartResponse(self._write, lambda: self._head is not None)
        self._head: Head | None = None
        self._head_queued = False
        self._overrun = False
        self._deferred: Deferred | None = None
        self._task: asyncio.Task[None] | None = None
        self._stream = RawStream()
        self._result: Any = None
        environ["c10kws.stream"] = self._stream
        environ["c10kws.loop"] = container.loop
        environ["c10kws.executor"] = container.pool
        environ["c10kws.defer"] = self._defer
        environ["c10kws.on_stop"] = container.on_stop

    # In a worker thread

    def run(self) -> None:
        """Call the application and bring its response to one of the four ends."""
        handed_over = False
        try:
            self._body.seek(0)
            self._result = self._container.application(self._environ, self._start)
            handed_over = self._choose_end()
        except ClientGone:
            self._stop()
        except BaseException as error:  # SystemExit too is only the end of a request
            self._fail(error)
        finally:
            if not handed_over:
                self._close()
                self._finish()

    def _choose_end(self) -> bool:
        """Answer whether the loop has the response now, and will close it."""
        if self._deferred is not None:
            return self._hand_over(self._send_deferred())
        if self._start.status is not None and self._start.status.startswith("101"):
            self._switch()
            return False
        if _is_async(self._result):
            return self._hand_over(self._send_async(self._make_head(), aiter(self._result)))
        if isinstance(self._result, FileWrapper) and self._start.status is not None:
            chunks = self._read_file(self._result)
            return self._hand_over(self._send_async(self._make_head(), chunks))
        self._send_plain()
        return False

    def _hand_over(self, coroutine: Any) -> bool:
        self._container.loop.call_soon_threadsafe(self._begin, coroutine)
        return True

    def _send_plain(self) -> None:
        """End 1: a chunk goes out when it is yielded (PEP 3333, "Buffering and Streaming")."""
        for data in self._result:
            if data:
                self._write(data)
            if self._complete():
                break
        if not self._head_queued:
            self._write(b"")
        self._check_length()
        self._sender.send(None, b"", last=True)

    def _write(self, data: bytes) -> None:
        """PEP 3333's ``write()``, and the way of every chunk."""
        head = None if self._head_queued else self._make_head()
        data = self._fit(data)
        self._head_queued = True
        if self._overrun:
            self._log_overrun()
        if head is not None or data:
            self._sender.send(head, data, last=False)

    def _make_head(self) -> Head:
        if self._start.status is None:
            raise AssertionError("the application did not call start_response before its body")
        head = make_head(self._start.status, self._start.headers)
        if head.code < 200:
            raise ValueError(f"expected a final status, not {self._start.status!r}")
        if head.length is not None and head.code == 204:
            del head.headers["Content-Length"]  # RFC 9110 §8.6
        if head.length is None and self._environ["SERVER_PROTOCOL"] != "HTTP/1.1":
            head.close = True  # the end of the connection is the end of the body
        if self._container.stopping:
            head.close = True
            head.headers["Connection"] = "close"
        self._head, self._line.status = head, head.code
        return head

    def _fit(self, data: bytes) -> bytes:
        """Cut what is over the declared length, and all of it where there is no body."""
        assert self._head is not None
        if not isinstance(data, bytes):
            raise TypeError(f"expected a body of bytes, not of {type(data).__name__}")
        if not self._head.has_body(self._method):
            return b""
        if self._head.length is None:
            return data
        room = self._head.length - self._sender.sent
        self._overrun = len(data) > room
        return data[:room]

    def _log_overrun(self) -> None:
        assert self._head is not None
        logger.error(
            "%s: the body is longer than its Content-Length of %d; cut there",
            self._line.request_line,
            self._head.length,
        )

    def _complete(self) -> bool:
        """Whether nothing of what may come can be sent."""
        return self._overrun or (self._head is not None and not self._head.has_body(self._method))

    def _check_length(self) -> None:
        head = self._head
        if head is None or head.length is None or not head.has_body(self._method):
            return
        if self._sender.sent < head.length:
            raise ShortBody(
                f"the body has {self._sender.sent} bytes and its Content-Length is {head.length}"
            )

    def _switch(self) -> None:
        """End 4: wait for the flush here, so that ``close()`` runs in this thread."""
        assert self._start.status is not None
        if not _may_upgrade(self._environ):
            raise ValueError("expected 101 only where an HTTP/1.1 request without a body asks")
        head = make_head(
            self._start.status, self._start.headers, upgrade=self._environ["HTTP_UPGRADE"]
        )
        self._head, self._line.status = head, head.code
        switched = asyncio.run_coroutine_threadsafe(
            self._stream.switch(self._connection, head, self._container.limits),
            self._container.loop,
        )
        try:
            switched.result(self._container.limits.flush_timeout + 1)
        except (FutureTimeoutError, OSError):
            switched.cancel()
            logger.info("%s: the client left before its 101", self._line.request_line)

    def _fail(self, error: BaseException) -> None:
        """The application raised: 500 when its head is unsent, else an aborted connection."""
        logger.error("%s: the application failed", self._line.request_line, exc_info=error)
        if inspect.iscoroutine(self._deferred):
            self._deferred.close()  # it may not have begun
        if self._head_queued or self._connection.stream is None:
            self._stop()
            return
        status, headers, body = plain_error(500, "Internal Server Error", "Internal Server Error")
        self._head = head = make_head(status, headers)
        self._line.status = 500
        try:
            self._sender.send(head, body if head.has_body(self._method) else b"", last=True)
        except ClientGone:
            self._stop()

    def _stop(self) -> None:
        self._container.loop.call_soon_threadsafe(self._sender.abort)

    def _close(self) -> None:
        """PEP 3333: ``close()`` is called "regardless of whether the request completed"."""
        try:
            if hasattr(self._result, "close"):
                self._result.close()
        except Exception:
            logger.exception("%s: close() of the response raised", self._line.request_line)

    def _finish(self) -> None:
        """The last act in the worker thread."""
        try:
            self._body.close()
            if self._sender.stalled:
                seconds = self._container.limits.send_timeout
                logger.info("%s: the client took nothing for %gs", self._line.request_line, seconds)
            self._line.size = self._sender.sent
            self._line.write()
        finally:  # whatever a log's handler does
            self._container.loop.call_soon_threadsafe(self._end)

    # On the loop

    def _end(self) -> None:
        """Nothing more comes from the application; what it has sent may still be on its way."""
        if self._head is None or self._head.code != 101:
            self._sender.ended.add_done_callback(lambda _: self._done())
            return
        # Whoever takes the stream over has asked the loop to by now.
        self._stream.close_unattached()
        if self._stream.upgraded:
            self._container.attached(self._stream)
        self._done()

    def leave(self) -> None:
        """The client has gone: whoever waits for it on the loop is cancelled."""
        self._sender.leave()
        if self._task is not None:
            # Not at once: cancelled before its first step it would not clean up.
            self._container.loop.call_soon(self._task.cancel)

    def _defer(self, awaitable: Deferred) -> None:
        """``c10kws.defer``: announce that the awaitable resolves to the response."""
        self._deferred = awaitable

    def _begin(self, sending: Any) -> None:
        self._task = task = self._container.spawn(self._supervise(sending))
        if self._sender.gone:
            self._container.loop.call_soon(task.cancel)

    async def _supervise(self, sending: Awaitable[None]) -> None:
        """Ends 2 and 3: send on the loop, then clean up in a thread that is never refused."""
        task = asyncio.current_task()
        try:
            await sending
        except ClientGone:
            self._sender.abort()
        except (Exception, asyncio.CancelledError) as error:
            if task is not None and task.cancelling():  # the client has left, or the server stops
                self._sender.abort()
            else:
                await self._in_pool(self._fail, error)
        finally:
            self._container.pool.urgent(self._clean_up)

    def _clean_up(self) -> None:
        self._close()
        self._finish()

    async def _send_deferred(self) -> None:
        assert self._deferred is not None
        status, headers, body = await self._deferred
        self._start.status = status
        self._start.headers = merge_heads(self._start.headers, headers)
        placeholder, self._result = self._result, _Both(self._result, body)
        del placeholder
        head = await self._in_pool(self._make_head)
        if isinstance(body, FileWrapper):
            await self._send_async(head, self._read_file(body))
        elif _is_async(body):
            await self._send_async(head, aiter(cast("AsyncIterable[bytes]", body)))
        else:
            chunks = iter(cast("Iterable[bytes]", body))
            await self._send_async(head, self._iterate_in_pool(chunks))

    async def _send_async(self, head: Head, chunks: AsyncIterator[bytes]) -> None:
        """Send the head at once (an event stream may be silent for long), then each chunk."""
        self._head_queued = True
        try:
            await self._sender.send_async(head, b"", last=False)
            async for data in chunks:
                if fitting := self._fit(data):
                    await self._sender.send_async(None, fitting, last=False)
                if self._complete():
                    break
        finally:
            if hasattr(chunks, "aclose"):
                await chunks.aclose()
        if self._overrun:
            await self._in_pool(self._log_overrun)
        self._check_length()
        await self._sender.send_async(None, b"", last=True)

    async def _read_file(self, wrapper: FileWrapper) -> AsyncIterator[bytes]:
        size = max(wrapper.block_size, self._container.limits.high_water)  # each is a thread's job
        while data := await self._in_pool(wrapper.filelike.read, size):
            yield data

    async def _iterate_in_pool(self, chunks: Any) -> AsyncIterator[bytes]:
        while (data := await self._in_pool(next, chunks, None)) is not None:
            yield data

    async def _in_pool(self, fn: Callable[..., Any], *args: Any) -> Any:
        job = asyncio.wrap_future(self._container.pool.urgent(fn, *args))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            await asyncio.wait([job])  # close() must not run beside it
            raise


class _Both:
    """The placeholder and the body of a deferred response, closed together."""

    def __init__(self, placeholder: Any, body: Any) -> None:
        self._parts = (body, placeholder)

    def close(self) -> None:
        for part in self._parts:
            if hasattr(part, "close"):
                part.close()


def _may_upgrade(environ: dict[str, Any]) -> bool:
    """RFC 9110 §7.8: only what the client asked for, and not over HTTP/1.0."""
    return (
        "HTTP_UPGRADE" in environ
        and environ["SERVER_PROTOCOL"] == "HTTP/1.1"
        and environ.get("CONTENT_LENGTH", "0") == "0"
    )


def _is_async(result: object) -> bool:
    """Whether a body is to be iterated on the loop.

    Django's StreamingHttpResponse can be iterated both ways and says which one is meant.
    """
    return hasattr(result, "__aiter__") and bool(getattr(result, "is_async", True))
