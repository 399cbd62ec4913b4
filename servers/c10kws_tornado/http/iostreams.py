"""Tornado's IOStreams, adapted to the server while they carry HTTP."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from tornado.iostream import IOStream, SSLIOStream

from .sendrate import unsent_bytes

#: Tornado's own responses, which this module replaces or recognizes.
BARE_400 = b"HTTP/1.1 400 Bad Request\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 (Continue)\r\n\r\n"
CRLF = b"\r\n"
#: The arguments with which Tornado reads the line with the size of a chunk.
CHUNK_LINE = (CRLF, 64)
#: Longest line of a chunked body: a size with its extensions, or a trailer.
MAX_LINE = 4096
#: Most bytes of extensions and trailers in one body, which are ignored.
MAX_IGNORED = 65536
_MALFORMED = b"malformed" + CRLF


#: SO_LINGER on, for 0 seconds: ``close()`` resets the connection.
NO_LINGER = struct.pack("ii" if os.name == "posix" else "hh", 1, 0)


class _Stream(IOStream):
    """Base of plain and encrypted streams."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Returns the response, for a status code, to a request that cannot be parsed.
        self.on_parse_error: Callable[[int], bytes] | None = None
        self.linger_timeout = 0.0
        self._written = 0
        self._unsent_limit = 0
        #: True when the client has closed its half of the connection.
        self.half_closed = False
        #: True when such a client still receives its response.
        self.serves_half_closed = False
        self._answered = False
        self._ignored = 0
        self._owed = b""
        self._lingering: asyncio.Future[None] | None = None
        self._aborted = False
        super().__init__(*args, **kwargs)

    def set_nodelay(self, value: bool) -> None:
        """Keep Nagle's algorithm disabled; Tornado would switch it for each response."""

    @property
    def taken(self) -> int:
        """The number of bytes that the peer has acknowledged; over TLS an estimate."""
        return self._written - unsent_bytes(self.socket)

    def write_to_fd(self, data: memoryview) -> int:
        """Count the bytes that the kernel takes."""
        size = super().write_to_fd(data)
        self._written += size
        return size

    def expire(self) -> None:
        """Close an idle connection; answer a head that stalls with 408."""
        if self._read_buffer_size and self.on_parse_error is not None:
            self._refuse(408)
        else:
            self.close()

    def close(self, exc_info: Any = False) -> None:
        """Close at once."""
        self.on_parse_error = None  # it refers to the connection
        if self._lingering is not None and not self._lingering.done():
            self._lingering.set_result(None)
        super().close(exc_info)

    def abort(self) -> None:
        """Abort the connection in the middle of a request or response."""
        self._aborted = True
        self.close()

    def reset(self) -> None:
        """Abort, and make the kernel discard unsent data.

        Otherwise it would keep megabytes for minutes, for a peer that reads nothing.
        """
        if not self.closed():
            with suppress(OSError):
                self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        self.abort()

    def limit_unsent(self, size: int) -> None:
        """Limit the bytes that the kernel queues unsent; 0 for its own limit, of megabytes."""
        if size != self._unsent_limit and not self.closed():
            self._unsent_limit = size
            with suppress(OSError, AttributeError):  # a unix socket; a system without the option
                self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, size)

    def _refuse(self, code: int) -> asyncio.Future[None]:
        """Send an error response, discard further data, and close when the client does.

        Closing immediately would reset the connection, and the client might never see the response
        (RFC 9112 §9.6). After ``linger_timeout`` the connection is closed in any case. The future
        is done when it is closed.
        """
        if self._lingering is not None:
            return self._lingering
        loop = asyncio.get_running_loop()
        self._lingering = loop.create_future()
        self._read_buffer, self._read_buffer_size = bytearray(), 0
        if self._answered or self.on_parse_error is None:  # Tornado parses discarded data too
            self.close()
            return self._lingering
        sent = super().write(self.on_parse_error(code))
        loop.call_later(self.linger_timeout, self.close)
        sent.add_done_callback(lambda _: self._finish_sending())
        self._add_io_state(self.io_loop.READ)
        return self._lingering

    def _finish_sending(self) -> None:
        """Close our half, so that the client sees the end of the response."""

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read; discard all data after an error response."""
        size = super().read_from_fd(buf)
        return None if size and self._lingering is not None else size

    # Called by Tornado while it reads a request

    def read_until_regex(self, regex: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Read a head, which begins a request."""
        self._answered = self.serves_half_closed = False
        self._ignored = 0
        return super().read_until_regex(regex, max_bytes)

    def read_until(self, delimiter: bytes, max_bytes: int | None = None) -> Awaitable[bytes]:
        """Read a line; from the line of a chunk, return only its size."""
        if (delimiter, max_bytes) != CHUNK_LINE:
            return super().read_until(delimiter, max_bytes)
        reading = super().read_until(CRLF, MAX_LINE)
        assert isinstance(reading, asyncio.Future)
        if reading.done() and reading.exception() is None and _is_plain(reading.result()):
            return reading
        return self._read_chunk_line(reading)

    async def _read_chunk_line(self, reading: Awaitable[bytes]) -> bytes:
        """Remove chunk extensions, which a recipient must ignore (RFC 9112 §7.1.1)."""
        line = await reading
        size, semicolon, extensions = line[:-2].partition(b";")
        size = size.rstrip(b" \t") if semicolon else size
        if self._is_excessive(extensions):
            return _MALFORMED
        if size and not size.strip(b"0"):
            return await self._skip_trailers()
        return size + CRLF

    async def _skip_trailers(self) -> bytes:
        """Discard trailers (RFC 9112 §7.1.2) and return the line of the last chunk."""
        while (line := await super().read_until(CRLF, MAX_LINE)) != CRLF:
            if b":" not in line or self._is_excessive(line[:-2]):
                return _MALFORMED
        self._owed = CRLF  # Tornado reads it next
        return b"0" + CRLF

    def _is_excessive(self, ignored: bytes) -> bool:
        """Return True for too many ignored bytes, or a bare CR or LF: a line end for others."""
        self._ignored += len(ignored)
        too_much = len(ignored) > MAX_LINE or self._ignored > MAX_IGNORED
        return too_much or b"\r" in ignored or b"\n" in ignored

    def read_bytes(self, num_bytes: int, partial: bool = False) -> Awaitable[bytes]:
        """Read; the empty line after trailers was read with them."""
        if not self._owed:
            return super().read_bytes(num_bytes, partial)
        owed: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        owed.set_result(self._owed)
        self._owed = b""
        return owed

    def _check_max_bytes(self, delimiter: Any, size: int) -> None:
        """Send 431 or 400 for an endless head or line, where Tornado would only close."""
        limit = self._read_max_bytes
        if self.on_parse_error is None or limit is None or size <= limit:
            super()._check_max_bytes(delimiter, size)
        elif self._is_complete(delimiter):
            pass  # refused later by the size of the head, or of the chunk's line
        else:
            self._refuse(400 if isinstance(delimiter, bytes) else 431)

    def _is_complete(self, delimiter: Any) -> bool:
        if isinstance(delimiter, bytes):
            return delimiter in self._read_buffer
        return delimiter.search(self._read_buffer) is not None

    def write(self, data: bytes | memoryview) -> asyncio.Future[None]:
        """Write; replace Tornado's bare 400 by a complete response."""
        if data == BARE_400 and self.on_parse_error is not None:
            return self._refuse(400)
        if data != CONTINUE:
            self._answered = True
        return super().write(data)


def _is_plain(line: bytes) -> bool:
    """Return True for a chunk's size without extensions, except the last chunk's."""
    return line[:1] != b"0" and b";" not in line


class PlainStream(_Stream):
    """The stream of a plain connection."""

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read; EOF ends the connection unless a response is being sent."""
        size = super().read_from_fd(buf)
        if size != 0:
            return size
        if not self.half_closed:  # Tornado would close before it parses the last data
            self.half_closed = True
            return None
        if self.reading() or not self.serves_half_closed:
            return 0
        asyncio.get_running_loop().call_soon(self._stop_listening)
        return None

    def _stop_listening(self) -> None:
        """Stop polling a half-closed socket, which is always readable: the loop would spin."""
        if self._state is not None and not self.closed() and not self.reading():
            self._state &= ~self.io_loop.READ
            self.io_loop.update_handler(self.fileno(), self._state)

    def _finish_sending(self) -> None:
        if not self.closed():
            with suppress(OSError):  # the client has disconnected
                self.socket.shutdown(socket.SHUT_WR)


class TLSStream(_Stream, SSLIOStream):
    """The stream of an encrypted connection. TLS cannot close one half of it."""

    def close_fd(self) -> None:
        """Send close_notify (RFC 8446 §6.1), unless data for the peer is unsent.

        Without it a strict client treats the data as truncated (RFC 9112 §9.8). The server does not
        wait for the peer's own close_notify: TLS 1.3 does not require it.
        """
        if not self._aborted and not self.writing():
            with suppress(OSError, ValueError):  # disconnected, or before the handshake
                self.socket.unwrap()
        super().close_fd()
