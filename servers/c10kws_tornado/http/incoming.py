"""One request as it comes in: its head is checked, its body collected, then the pool is asked."""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable
from functools import partial
from typing import IO, TYPE_CHECKING, Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.httputil import (
    HTTPHeaders,
    HTTPMessageDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from ..accesslog import AccessLine
from ..pool import PoolFull
from ..safelogger import get_logger
from .bodytimer import BodyTimer
from .environ import BadRequest, check_head, head_size, make_environ, prepare_expect, set_body
from .exchange import Exchange
from .resources import Resources
from .response import make_head, plain_error, stalled_body, too_large, unavailable
from .uploads import Upload

if TYPE_CHECKING:
    from .connections import Connections
    from .iostreams import PlainStream
    from .peer import Peer

logger = get_logger("c10kws_tornado")

#: Tornado's own limit of a body is switched off: ours answers 413. ``int()`` takes no more digits.
NO_LIMIT = 10**4300


class IncomingRequest(HTTPMessageDelegate):
    """Tornado calls the four methods of its delegate, in order, on the loop's thread."""

    def __init__(
        self,
        resources: Resources,
        connections: Connections,
        server_connection: object,
        connection: HTTP1Connection,
        peer: Peer,
    ) -> None:
        self._resources = resources
        self._limits = resources.limits
        self._connections = connections
        self._server_connection = server_connection
        self._connection = connection
        self._peer = peer
        self._environ: dict[str, Any] = {}
        self._upload: Upload | None = None
        self._body: IO[bytes] | None = None  # that of the upload, until it is closed or handed over
        self._size = 0
        self._has_body = False
        self._line: AccessLine | None = None
        self._exchange: Exchange | None = None
        self._refused = False
        self._running = False
        self._dead = False
        self._truncated = False
        self._linger: asyncio.TimerHandle | None = None
        self._timer: BodyTimer | None = None

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        """Check the head; a refusal is answered before the body, and before 100-continue."""
        start_line = cast(RequestStartLine, start_line)
        if self._connection.stream.closed():  # RFC 9112 §9.6: what was pipelined behind a "close"
            self._dead = True
            return None
        self._connections.begin(self._server_connection)
        self._running = True
        self._resources.requests.add(self)
        self._line = self._peer.begin_line(start_line, headers)
        self._method = start_line.method
        self._headers = headers
        self._connection.set_max_body_size(NO_LIMIT)
        self._has_body = "Content-Length" in headers or "Transfer-Encoding" in headers
        refusal = self._check(start_line, headers)
        if refusal is not None:
            self._refuse(refusal, linger=self._has_body and "Expect" not in headers)
        elif self._has_body:
            self._upload = self._resources.uploads.make_upload()
            self._body = self._upload.file
            loop = self._resources.loop
            self._timer = BodyTimer(loop, self._limits, self._refuse_stalled_body)
        prepare_expect(start_line, headers)
        return None

    def _check(self, start_line: RequestStartLine, headers: HTTPHeaders) -> tuple[Any, ...] | None:
        limit = self._limits.max_head_size
        if head_size(start_line, headers) > limit:
            text = f"The head of the request has over {limit} bytes."
            return plain_error(431, "Request Header Fields Too Large", text)
        length = headers.get("Content-Length", "")
        if length.isascii() and length.isdigit() and self._is_too_large(int(length[:20])):
            return too_large(self._limits.max_body_size)
        try:
            check_head(start_line, headers)
            self._environ = make_environ(
                start_line, headers, trusted=self._peer.trusted, server=self._peer.keys
            )
            self._name_client()
        except BadRequest as error:
            return plain_error(400, "Bad Request", f"Bad request: {error}.")
        return None

    def _name_client(self) -> None:
        """Add the address of a client behind a trusted proxy, for the library's access line."""
        assert self._line is not None
        if self._line.remote_addr != self._peer.address:
            self._environ["c10kws.client"] = self._line.remote_addr

    def _is_too_large(self, size: int) -> bool:
        return size > self._limits.max_body_size

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        """Store a piece of the body in memory, or on disk (by the pool) when memory has no room."""
        if self._body is None or self._upload is None:
            return None
        self._size += len(chunk)
        assert self._timer is not None
        self._timer.received(len(chunk))
        if self._is_too_large(self._size):
            self._discard_body()
            self._refuse(too_large(self._limits.max_body_size), linger=True)
        elif not self._upload.keep(chunk):
            return self._write_to_disk(self._upload, chunk)
        return None

    async def _write_to_disk(self, upload: Upload, chunk: bytes) -> None:
        """Write in the pool; when the client leaves meanwhile, wait no longer for a thread."""
        assert self._timer is not None
        self._timer.pause()
        stream, left = self._connection.stream, asyncio.Event()
        stream.set_close_callback(left.set)
        writing = asyncio.wrap_future(self._resources.pool.urgent(upload.store, chunk))
        leaving = asyncio.ensure_future(left.wait())
        either: set[asyncio.Future[Any]] = {writing, leaving}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        leaving.cancel()
        stream.set_close_callback(None)
        self._timer.resume()
        if writing.done():
            upload.leave_memory()
            self._finish_writing(writing.exception())
        else:
            self._truncated = writing.cancel()

    def _finish_writing(self, error: BaseException | None) -> None:
        if error is None or self._refused:  # it took too long, and the file was closed meanwhile
            return
        if not isinstance(error, OSError):
            raise error
        self._refuse_unstored_body(error)

    def finish(self) -> None:
        """The request is complete: a thread of the pool takes it, or 503."""
        self._stop_timer()
        if self._dead:
            return
        if self._truncated:
            self.on_connection_close()
            return
        if self._refused:
            self._end_linger()
            return
        assert self._line is not None
        body, self._body = self._body or io.BytesIO(), None
        set_body(self._environ, body, self._size if self._has_body else None)
        self._exchange = Exchange(
            self._resources, self._connection, self._environ, body, self._line, self._end
        )
        self._connection.set_close_callback(self._exchange.leave)
        cast("PlainStream", self._connection.stream).serves_half_closed = True
        try:
            self._resources.pool.post(self._exchange.run)
        except PoolFull:
            self._body = body
            self._discard_body()
            self._refuse(unavailable("All threads are busy."), close=False)

    def on_connection_close(self) -> None:
        """The client left in the middle of its request, or Tornado found a fault in its body."""
        self._stop_timer()
        self._discard_body()
        if self._running and not self._refused and self._line is not None:
            self._line.status = 400
            self._resources.log.write_later(self._line)
        self._end()

    def end_early(self) -> None:
        """Refuse an unfinished body, or end a response without end, because the server stops."""
        if self._exchange is not None:
            self._exchange.end_early()
        elif not self._refused:
            self._discard_body()
            self._refuse(unavailable("The server stops. Try again."), linger=True)

    def give_up(self) -> None:
        """Log that the stopping server cuts the request, and write its access line."""
        if (line := self._line) is not None:
            seconds = time.monotonic() - line.started
            message = "%s: cut after %.1fs because the server stops"
            self._resources.log.later(partial(logger.warning, message, line.request_line, seconds))
            line.size = 0 if self._exchange is None else self._exchange.sent
            self._resources.log.write_later(line)

    def _refuse_stalled_body(self) -> None:
        assert self._line is not None
        message = "%s: the body did not come in time: %d bytes in %.0fs; answered with 408"
        seconds = time.monotonic() - self._line.started
        self._resources.log.later(
            partial(logger.info, message, self._line.request_line, self._size, seconds)
        )
        self._discard_body()
        self._resources.trim_later()
        self._refuse(stalled_body(), linger=True)

    def _refuse_unstored_body(self, error: OSError) -> None:
        """Answer 507: the disk is full, or the folder cannot be written."""
        self._resources.log.later(partial(self._log_unstored_body, error))
        self._discard_body()
        text = "The server has no room for the body of this request."
        self._refuse(plain_error(507, "Insufficient Storage", text), linger=True)

    def _log_unstored_body(self, error: OSError) -> None:
        assert self._line is not None
        logger.error(
            "%s: the body could not be stored in %s: %s; answered with 507. Free some space there, "
            "or choose another folder (upload_dir).",
            self._line.request_line,
            self._resources.uploads.folder,
            error,
        )

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _discard_body(self) -> None:
        """Close the body in the pool: it may be a file of 100 MiB."""
        if self._body is not None:
            self._resources.pool.urgent(self._body.close)
            self._body = None

    def _refuse(
        self, refusal: tuple[Any, ...], *, linger: bool = False, close: bool = True
    ) -> None:
        """Answer without the application.

        With ``linger`` the rest of the body is read and thrown away for a while: closing at once
        would reset the connection, and the client might never see the answer.
        """
        assert self._line is not None
        self._stop_timer()
        self._refused = True
        self._close = close
        status, headers, body = refusal
        head = make_head(status, headers)
        if self._method == "HEAD":
            body = b""
        if close:
            head.headers["Connection"] = "close"
            self._headers.pop("Connection", None)  # Tornado would answer HTTP/1.0's "keep-alive"
        self._line.status, self._line.size = head.code, len(body)
        self._connection.write_headers(head.start_line, head.headers, body)
        self._resources.log.write_later(self._line)
        if linger:
            loop = self._resources.loop
            self._linger = loop.call_later(self._limits.linger_timeout, self._end_linger)
        else:
            self._end_linger()

    def _end_linger(self) -> None:
        if self._linger is not None:
            self._linger.cancel()
        if not self._connection.stream.closed():
            finished = self._connection.stream.write(b"")  # done when the answer has left
            self._connection.finish()
            if self._close:
                finished.add_done_callback(lambda _: self._connection.close())
        self._end()

    def _end(self) -> None:
        if self._running:
            self._running = False
            if self._upload is not None:
                self._upload.leave_memory()
            self._resources.requests.discard(self)
            self._connections.end(self._server_connection)
