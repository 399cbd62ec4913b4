"""Data that the kernel did not take at once, sent when the socket becomes writable."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from typing import Any

from .writequeue import Data, WriteQueue

#: Pieces that the kernel takes in one call. Windows has no such call.
MAX_PIECES = 1024 if hasattr(socket.socket, "sendmsg") else 0


class PendingWrites:
    """The unsent data of one transport.

    A transport makes it for data that the kernel does not take, and drops it when all was sent, so
    that other connections have no memory for it. ``on_sent`` is called after each write with the
    number of bytes that are left, ``on_error`` when writing fails.
    """

    __slots__ = ("_loop", "_on_error", "_on_sent", "_queue", "_socket")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        on_sent: Callable[[int], None],
        on_error: Callable[[OSError], None],
    ) -> None:
        self._loop = loop
        self._socket = sock
        self._on_sent = on_sent
        self._on_error = on_error
        self._queue = WriteQueue()
        loop.add_writer(sock.fileno(), self._send)

    @property
    def size(self) -> int:
        """The number of unsent bytes."""
        return self._queue.size

    @property
    def unsent(self) -> list[bytes | memoryview[Any]]:
        """The unsent pieces."""
        return self._queue.first(len(self._queue))

    def add(self, pieces: Iterable[Data], sent: int = 0) -> None:
        """Queue pieces, without the bytes that were already sent."""
        for piece in pieces:
            self._queue.add(piece, sent)
            sent = max(sent - len(piece), 0)

    def _send(self) -> None:
        pieces = self._queue.first(MAX_PIECES or 1)
        try:
            sent = (
                self._socket.send(pieces[0]) if len(pieces) == 1 else self._socket.sendmsg(pieces)
            )
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._on_error(error)
            return
        self._queue.advance(sent)
        if not self._queue.size:
            self._loop.remove_writer(self._socket.fileno())
        self._on_sent(self._queue.size)
