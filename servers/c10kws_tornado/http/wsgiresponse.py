"""The response of one WSGI call on its way to the client, from a worker thread or the loop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..accesslog import AccessLine
from ..pool import run_urgent
from ..safelogger import get_logger
from .bodyiteration import aiterate, is_async, join_short
from .errorresponse import plain_error
from .resources import Resources
from .responsebody import ResponseBody
from .responsehead import ResponseHead, asks_to_close, make_final_head
from .responsewriter import ResponseWriter
from .startresponse import StartResponse

logger = get_logger("c10kws_tornado.error")


class WSGIResponse:
    """A response that the application makes by ``start_response`` and its body.

    The head leaves with the first byte of the body, or at its end (PEP 3333, "Buffering and
    Streaming").
    """

    def __init__(
        self,
        resources: Resources,
        writer: ResponseWriter,
        environ: Mapping[str, Any],
        line: AccessLine,
    ) -> None:
        self._resources = resources
        self._writer = writer
        self._environ = environ
        self._method: str = environ["REQUEST_METHOD"]
        self._line = line
        self._body: ResponseBody | None = None
        self._end_queued = False
        self.head_queued = False
        #: True while an async body of unknown length is sent.
        self.endless = False
        self.start_response = StartResponse(self.write, lambda: self.head_queued)

    def begin(self) -> ResponseBody:
        """Make the head, the first time, and return the body that belongs to it."""
        if self._body is None:
            self._body = ResponseBody(self._make_head(), self._method)
        return self._body

    def _make_head(self) -> ResponseHead:
        if self.start_response.status is None:
            raise AssertionError("The application did not call start_response() before its body.")
        head = make_final_head(
            self.start_response.status,
            self.start_response.headers,
            version=self._environ["SERVER_PROTOCOL"],
            close=self._resources.stopping or asks_to_close(self._environ),
        )
        self._line.status = head.code
        return head

    def _take_head(self, body: ResponseBody) -> ResponseHead | None:
        """Return the head if it was not queued yet."""
        if self.head_queued:
            return None
        self.head_queued = True
        return body.head

    def _log_overrun(self) -> None:
        logger.error(
            "%s: the body is longer than its Content-Length of %d; truncated.",
            self._line.request_line,
            self.begin().head.length,
        )

    # In a worker thread

    def write(self, data: bytes) -> None:
        """Send a chunk: PEP 3333's ``write()``."""
        body = self.begin()
        data = body.fit(data)
        if body.overrun:
            self._log_overrun()
        head = self._take_head(body)
        if head is not None or data:
            self._end_queued = body.complete
            self._writer.send(head, [data], last=self._end_queued)

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
            self._writer.send(None, [], last=True)

    def send_whole(self, parts: Iterable[bytes]) -> None:
        """Pass a complete body to the loop, so that a slow client holds no thread."""
        body = self.begin()
        joined = join_short(body.fit_all(parts), self._resources.limits.chunk_size)
        if body.overrun:
            self._log_overrun()
        self._writer.send(self._take_head(body), joined, last=True)

    def send_error(self) -> None:
        """Send a 500 instead of the application's response; its head must be unsent."""
        error = plain_error(500, "Internal Server Error", "Internal Server Error")
        head = error.head
        self._line.status = head.code
        data = error.body if head.has_body(self._method) else b""
        self._writer.send(head, [data], last=True)

    # On the loop

    async def send_whole_async(self, body: ResponseBody, parts: Iterable[bytes]) -> None:
        """Send a complete body without a thread."""
        joined = join_short(body.fit_all(parts), self._resources.limits.chunk_size)
        if body.overrun:
            await run_urgent(self._resources.pool, self._log_overrun)
        await self._writer.send_async(self._take_head(body), joined, last=True)

    async def send_chunks_async(self, body: ResponseBody, iterable: Any) -> None:
        """Send the head at once (an event stream may be silent for long), then each chunk."""
        pool = self._resources.pool
        self.endless = is_async(iterable) and body.head.length is None
        chunks = aiterate(iterable, pool, self._block_size)
        try:
            await self._writer.send_async(self._take_head(body), [])
            async for data in chunks:
                if fitting := body.fit(data):
                    await self._writer.send_async(None, [fitting])
                if body.closed:
                    break
        finally:
            if hasattr(chunks, "aclose"):
                await chunks.aclose()
        if body.overrun:
            await run_urgent(pool, self._log_overrun)
        body.check_end()
        await self._writer.send_async(None, [], last=True)

    def _block_size(self, suggested: int) -> int:
        """Return the size of a file's next block: smaller when much is unsent to other clients."""
        limits = self._resources.limits
        if self._resources.send_buffers.half_full:
            return limits.chunk_size
        return max(suggested, limits.high_water)
