"""c10kws with one trick less: ``BENCHMARKS_WITHOUT`` names it, the benchmarks measure its share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any


def waiter() -> None:
    """A message wakes its handler in the loop's next turn, as a future does."""
    from c10kws.connection.waiter import Waiter

    def wake(self: Waiter) -> None:
        callback, context = self._callback, self._context
        if callback is not None and context is not None:
            self._callback = self._context = None
            self._loop.call_soon(callback, self, context=context)

    Waiter.wake = wake  # type: ignore[method-assign]


def cork() -> None:
    """Each message is a write of its own."""
    from c10kws.connection.websocket import WebSocket, connection_of

    original = WebSocket.write_message

    def write_message(self: WebSocket, *arguments: Any) -> Any:
        written = original(self, *arguments)
        connection_of(self).sender.cork.flush()
        return written

    WebSocket.write_message = write_message  # type: ignore[method-assign]


def done() -> None:
    """To await a write always runs a coroutine."""
    from c10kws.connection.websocket import WebSocket

    original = WebSocket.write_message

    def write_message(self: WebSocket, *arguments: Any) -> Any:
        original(self, *arguments)
        return self._written(0)

    WebSocket.write_message = write_message  # type: ignore[method-assign]


def mask() -> None:
    """Payloads are unmasked by wsproto, in Python."""
    from c10kws_tornado.http import environ

    environ.websocket_mask = None  # type: ignore[assignment]


def transport() -> None:
    """The connection has asyncio's transport."""
    from c10kws_tornado.raw import stream

    class Nobody(asyncio.AbstractEventLoop):
        """No loop is one of these."""

    stream.BaseSelectorEventLoop = Nobody  # type: ignore[misc,assignment]


def wide() -> None:
    """No read is longer than 64 KiB."""
    from c10kws.connection import connection

    connection.LONG_READ = 1 << 60


def pieces() -> None:
    """What is corked is always joined before it is written."""
    from c10kws.connection import cork

    cork.LONG = 1 << 60


TRICKS: Mapping[str, Callable[[], None]] = {
    trick.__name__: trick for trick in (waiter, cork, done, mask, transport, wide, pieces)
}


def leave_out(name: str) -> None:
    """Take a trick away, before the server starts."""
    TRICKS[name]()
