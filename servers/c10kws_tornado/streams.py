"""Tornado's streams, as the server needs them while they carry HTTP."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from tornado.iostream import IOStream, SSLIOStream

from .pace import unsent_bytes


class _Stream(IOStream):
    """What plain and encrypted streams have in common."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        #: Returns the answer to a head that is not to be had, for a status code.
        self.on_fault: Callable[[int], bytes] | None = None
        self.linger_timeout = 0.0
        self._written = 0
        self._discarding = False
        self._aborted = False
        super().__init__(*args, **kwargs)

    def set_nodelay(self, value: bool) -> None:
        """Leave Nagle's algorithm off; Tornado would switch it on and off for each response."""

    @property
    def taken(self) -> int:
        """The number of bytes that the peer has acknowledged; over TLS an estimate."""
        return self._written - unsent_bytes(self.socket)

    def write_to_fd(self, data: memoryview) -> int:
        """Count what the kernel takes."""
        size = super().write_to_fd(data)
        self._written += size
        return size

    def expire(self) -> None:
        """Close a connection that has been idle for too long; a head that stalls gets 408."""
        if self._read_buffer_size and self.on_fault is not None:
            self._refuse(408)
        else:
            self.close()

    def close(self, exc_info: Any = False) -> None:
        """Close at once."""
        self.on_fault = None  # which keeps the connection
        super().close(exc_info)

    def abort(self) -> None:
        """Close at once in the middle of something."""
        self._aborted = True
        self.close()

    def _refuse(self, code: int) -> None:
        """Send an answer, discard what still comes, and close when the client does.

        Closing at once would reset the connection, and the client might never see the answer (RFC
        9112 §9.6). After ``linger_timeout`` the connection is closed in any case.
        """
        if self._discarding or self.on_fault is None:
            return
        self._discarding = True
        sent = self.write(self.on_fault(code))
        asyncio.get_running_loop().call_later(self.linger_timeout, self.close)
        sent.add_done_callback(lambda _: self._finish_sending())

    def _finish_sending(self) -> None:
        """Close our half, so that the client knows that nothing follows."""

    def read_from_fd(self, buf: bytearray | memoryview) -> int | None:
        """Read; what comes after a refusal is as if nothing had come."""
        size = super().read_from_fd(buf)
        return None if size and self._discarding else size


class PlainStream(_Stream):
    """A plain connection."""

    def _finish_sending(self) -> None:
        if not self.closed():
            with suppress(OSError):  # the client has left
                self.socket.shutdown(socket.SHUT_WR)


class TLSStream(_Stream, SSLIOStream):
    """An encrypted connection; TLS cannot close one half of it."""

    def close_fd(self) -> None:
        """Send a close_notify (RFC 8446 §6.1), unless the peer lacks something that was its own.

        Without one a strict client takes what came for truncated (RFC 9112 §9.8). Nothing waits for
        the peer's own close_notify: TLS 1.3 does not ask for it.
        """
        if not self._aborted and not self.writing():
            with suppress(OSError, ValueError):  # of a peer that has left, or never shook hands
                self.socket.unwrap()
        super().close_fd()
