"""c10kws without one optimization, named by ``BENCHMARKS_WITHOUT``, to measure its share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any


def override(owner: object, name: str, value: object) -> None:
    """Replace an attribute. Raises AttributeError if it does not exist, so a change would show."""
    getattr(owner, name)
    setattr(owner, name, value)


def waiter() -> None:
    """Resume the handler in the loop's next turn, as a future does."""
    from c10kws.connection.waiter import Waiter

    def wake(self: Waiter) -> None:
        callback, context = self._callback, self._context
        if callback is not None and context is not None:
            self._callback = self._context = None
            self._loop.call_soon(callback, self, context=context)

    override(Waiter, "wake", wake)


def cork() -> None:
    """Write each message separately."""
    from c10kws.connection.websocket import WebSocket, connection_of

    original = WebSocket.write_message

    def write_message(self: WebSocket, *arguments: Any) -> Any:
        written = original(self, *arguments)
        connection_of(self).sender.cork.flush()
        return written

    override(WebSocket, "write_message", write_message)


def done() -> None:
    """Run a coroutine for each awaited write."""
    from c10kws.connection.websocket import WebSocket

    original = WebSocket.write_message

    def write_message(self: WebSocket, *arguments: Any) -> Any:
        original(self, *arguments)
        return self._written(0)

    override(WebSocket, "write_message", write_message)


def mask() -> None:
    """Unmask payloads by wsproto, in Python."""
    from c10kws_tornado.http import environ

    override(environ, "websocket_mask", None)


def transport() -> None:
    """Use asyncio's transport."""
    from c10kws_tornado.raw import transports

    class NoLoop(asyncio.AbstractEventLoop):
        """A class without instances."""

    override(transports, "BaseSelectorEventLoop", NoLoop)


def wide() -> None:
    """Read at most 64 KiB at a time."""
    from c10kws.connection import connection

    override(connection, "LONG_READ", 1 << 60)


def pieces() -> None:
    """Join all corked data before it is written."""
    from c10kws.connection import cork

    override(cork, "LONG", 1 << 60)


def orjson() -> None:
    """Read and write the JSON of events by Python's json module."""
    from c10kws.events.frames import fast_json

    override(fast_json, "orjson", None)


OPTIMIZATIONS: Mapping[str, Callable[[], None]] = {
    optimization.__name__: optimization
    for optimization in (waiter, cork, done, mask, transport, wide, pieces, orjson)
}


def leave_out(name: str) -> None:
    """Remove an optimization, before the server starts."""
    OPTIMIZATIONS[name]()
