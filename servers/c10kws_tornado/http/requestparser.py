"""The bytes of a connection as requests: heads, pieces of bodies, ends; no I/O."""

from __future__ import annotations

from enum import Enum
from typing import Final

from tornado.httputil import HTTPInputError

from .chunkedbody import ChunkedBody
from .requesthead import BadRequest, RequestHead, parse_head


class HeadTooLarge(Exception):
    """Raised for a head that does not end within the limit."""


def status_of(error: BaseException) -> int | None:
    """Return the status of the response to a malformed request; None for other exceptions."""
    if isinstance(error, HeadTooLarge):
        return 431
    return 400 if isinstance(error, BadRequest | HTTPInputError) else None


class Signal(Enum):
    """Results of :meth:`RequestParser.next_event` that carry no data."""

    #: The request is complete. Call ``next_request`` to parse what follows it.
    END = "end"


END: Final = Signal.END


class RequestParser:
    """Parses the requests of one connection, one after another.

    ``buffer`` has the received bytes that are not parsed. Between the end of a request and
    ``next_request`` these are the beginning of the next one, or of another protocol.
    """

    __slots__ = ("_body", "_ended", "_left", "_max_head_size", "_searched", "buffer")

    def __init__(self, max_head_size: int) -> None:
        self.buffer = bytearray()
        self._max_head_size = max_head_size
        self._searched = 0  # bytes in which a head does not end
        self._left: int | None = None  # bytes of the body; None before a head
        self._body: ChunkedBody | None = None
        self._ended = False

    @property
    def between_requests(self) -> bool:
        """True if no byte of the next request has arrived, or the request is complete."""
        return self._ended or (self._left is None and not self.buffer)

    def receive_data(self, data: bytes | memoryview) -> None:
        """Add received bytes."""
        self.buffer += data

    def next_event(self) -> RequestHead | bytes | Signal | None:
        """Return a head, a piece of the body, or END; None if more bytes are needed.

        Raises :exc:`BadRequest` and :exc:`HeadTooLarge`. Call :meth:`begin_body` for a head before
        the next call.
        """
        if self._ended:
            return None
        if self._left is None:
            return self._next_head()
        return self._next_piece()

    def begin_body(self, head: RequestHead) -> None:
        """Parse the body as its checked head announces it."""
        self._left = 0 if head.chunked else head.length
        self._body = ChunkedBody() if head.chunked else None

    def next_request(self) -> None:
        """Begin with the request after one that has ended."""
        self._ended = False
        self._left = None

    def take_rest(self) -> bytes:
        """Return and forget what was not parsed."""
        rest, self.buffer = bytes(self.buffer), bytearray()
        return rest

    def _next_head(self) -> RequestHead | None:
        """RFC 9112 §2.2: an empty line, with CRLF or a bare LF, ends the head."""
        buffer = self.buffer
        begin = max(self._searched - 3, 0)
        end = buffer.find(b"\n\r\n", begin)
        short = buffer.find(b"\n\n", begin, end + 1 if end >= 0 else len(buffer))
        if end < 0 and short < 0:
            if len(buffer) > self._max_head_size:
                raise HeadTooLarge
            self._searched = len(buffer)
            return None
        self._searched = 0
        end, size = (short, 2) if short >= 0 else (end, 3)
        if end > self._max_head_size:
            raise HeadTooLarge
        data = buffer[:end].removesuffix(b"\r")
        del buffer[: end + size]
        return parse_head(data)

    def _next_piece(self) -> bytes | Signal | None:
        if self._body is not None:
            data = self._body.decode(self.buffer)
            complete = self._body.ended
        else:
            assert self._left is not None
            data = bytes(self.buffer[: self._left])
            del self.buffer[: len(data)]
            self._left -= len(data)
            complete = not self._left
        if data:
            return data
        if not complete:
            return None
        self._ended = True
        return END
