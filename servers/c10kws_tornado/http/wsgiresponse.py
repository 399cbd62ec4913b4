"""The response of one WSGI call on its way to the client, from a worker thread or the loop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..accesslog import AccessLine
from ..pool import run_urgent
from ..safelogger import get_logger
from .bodyiteration import aiterate, is_async, join_short
from .errorresponse import plain_error
from .resources import Resources
from .responsebody import ResponseBody
from .responseframing import ResponseFraming
from .responsehead import ResponseHead, make_final_head
from .responsesender import ResponseSender
from .responsewriter import ResponseWriter
from .startresponse import StartResponse

logger = get_logger("c10kws_tornado.error")

#: Longest complete body that is joined with its head.
MAX_WHOLE = 64 * 1024


class WSGIResponse:
    """A response that the application makes by ``start_response`` and its body.

    The head leaves with the first byte of the body, or at its end (PEP 3333, "Buffering and
    Streaming").
    """

    def __init__(
        self,
        resources: Resources,
        environ: dict[str, Any],
        line: AccessLine,
        sender: ResponseSender,
    ) -> None:
        self._resources = resources
        self._version: str = environ["SERVER_PROTOCOL"]
        self._method: str = environ["REQUEST_METHOD"]
        self._line = line
        self._sender = sender
        self._body: ResponseBody | None = None
        self._framing: ResponseFraming | None = None
        self._end_queued = False
        self.head_queued = False
        #: True while an async body of unknown length is sent.
        self.endless = False
        self.start_response = StartResponse(self.write, lambda: self.head_queued)

    def begin(self) -> ResponseBody:
        """Make the head, the first time, and return the body that belongs to it."""
        if self._body is None:
            head = self._make_head()
            self._body = ResponseBody(head, self._method)
            self._framing = ResponseFraming(head, method=self._method, version=self._version)
        return self._body

    def _make_head(self) -> ResponseHead:
        if self.start_response.status is None:
            raise AssertionError("The application did not call start_response() before its body.")
        head = make_final_head(
            self.start_response.status,
            self.start_response.headers,
            version=self._version,
            close=self._resources.stopping or not self._sender.keep_alive,
        )
        self._line.status = head.code
        return head

    def _open_writer(self) -> ResponseWriter:
        """Return the writer, which sends the head with the first data."""
        writer = self._sender.open_writer()
        if not self.head_queued:
            self.head_queued = True
            assert self._body is not None
            assert self._framing is not None
            writer.begin(self._framing, close=self._body.head.close)
        return writer

    def _log_overrun(self) -> None:
        logger.error(
            "%s: the body is longer than its Content-Length of %d; truncated.",
            self._line.escaped,
            self.begin().head.length,
        )

    # In a worker thread

    def write(self, data: bytes) -> None:
        """Send a chunk: PEP 3333's ``write()``."""
        body = self.begin()
        data = body.fit(data)
        if body.overrun:
            self._log_overrun()
        if data or not self.head_queued:
            self._end_queued = body.complete
            self._open_writer().send([data], last=self._end_queued)

    def send_chunks(self, chunks: Iterable[bytes]) -> None:
        """Send each chunk when the application yields it."""
        for data in chunks:
            if data:
                self.write(data)
            if self._body is not None and self._body.closed:
                break
        if self._body is None:
            self.write(b"")
        self.begin().check_end()
        if not self._end_queued:
            self._open_writer().send([], last=True)

    def send_whole(self, parts: Iterable[bytes]) -> None:
        """Pass a complete body to the loop, so that a slow client holds no thread.

        A short response is one bytes object; its size is that of the body.
        """
        body = self.begin()
        fitting = body.fit_all(parts)
        if body.overrun:
            self._log_overrun()
        if not self.head_queued and (size := sum(map(len, fitting))) <= MAX_WHOLE:
            assert self._framing is not None
            data = self._framing.encode_whole(fitting)
            self.head_queued = True
            self._sender.send_at_once(data, size, close=body.head.close)
            return
        joined = join_short(fitting, self._resources.limits.chunk_size)
        self._open_writer().send(joined, last=True)

    def send_error(self) -> None:
        """Send a 500 instead of the application's response; its head must be unsent."""
        error = plain_error(500, "Internal Server Error", "Internal Server Error")
        self._line.status = error.code
        self.head_queued = True
        body = error.body if self._method != "HEAD" else b""
        close = self._version != "HTTP/1.1" or not self._sender.keep_alive
        data = error.encode_head(close=close) + body
        self._sender.send_at_once(data, len(body), close=close)

    # On the loop

    async def send_whole_async(self, body: ResponseBody, parts: Iterable[bytes]) -> None:
        """Send a complete body without a thread."""
        joined = join_short(body.fit_all(parts), self._resources.limits.chunk_size)
        if body.overrun:
            await run_urgent(self._resources.pool, self._log_overrun)
        await self._open_writer().send_async(joined, last=True)

    async def send_chunks_async(self, body: ResponseBody, iterable: Any) -> None:
        """Send the head at once (an event stream may be silent for long), then each chunk."""
        pool = self._resources.pool
        self.endless = is_async(iterable) and body.head.length is None
        chunks = aiterate(iterable, pool, self._block_size)
        try:
            writer = self._open_writer()
            await writer.send_async([])
            async for data in chunks:
                if fitting := body.fit(data):
                    await writer.send_async([fitting])
                if body.closed:
                    break
        finally:
            if hasattr(chunks, "aclose"):
                await chunks.aclose()
        if body.overrun:
            await run_urgent(pool, self._log_overrun)
        body.check_end()
        await writer.send_async([], last=True)

    def _block_size(self, suggested: int) -> int:
        """Return the size of a file's next block: smaller when much is unsent to other clients."""
        limits = self._resources.limits
        if self._resources.send_buffers.half_full:
            return limits.chunk_size
        return max(suggested, limits.high_water)
