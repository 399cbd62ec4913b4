"""The two ways of sending a response: at once, or by a writer with flow control."""

from __future__ import annotations

from collections.abc import Callable

from .protocol import HTTPProtocol
from .resources import Resources
from .responsewriter import ConnectionLost, ResponseWriter
from .sendrate import SlowClient


class ResponseSender:
    """Sends one response; a short and complete one without a writer."""

    __slots__ = ("_connection", "_resources", "_size", "_writer", "disconnected")

    def __init__(self, resources: Resources, connection: HTTPProtocol) -> None:
        self._resources = resources
        self._connection = connection
        self._writer: ResponseWriter | None = None
        self._size = 0
        #: True when the client has disconnected.
        self.disconnected = False

    @property
    def keep_alive(self) -> bool:
        """True if another request may follow."""
        return self._connection.keep_alive

    @property
    def sent(self) -> int:
        """Bytes of the body that were sent."""
        return self._size if self._writer is None or self._size else self._writer.sent

    @property
    def slow(self) -> SlowClient | None:
        """The reason why a slow client was disconnected."""
        return None if self._writer is None else self._writer.slow

    @property
    def is_long(self) -> bool:
        """True if much of the response may be unsent when the application has finished."""
        writer = self._writer
        return writer is not None and writer.given > self._resources.limits.high_water

    # From a worker thread or the loop

    def open_writer(self) -> ResponseWriter:
        """Return the writer; the same object each time."""
        if self._writer is None:
            shared = self._resources
            self._writer = ResponseWriter(
                self._connection, shared.mailbox, shared.loop, shared.limits, shared.send_buffers
            )
            if self.disconnected:  # see connection_lost(): one of the two threads notices
                self._writer.disconnected = True
        return self._writer

    def send_at_once(self, response: bytes, size: int, *, close: bool) -> None:
        """Send a complete response with a body of ``size`` bytes. Raises :exc:`ConnectionLost`."""
        if self.disconnected:
            raise ConnectionLost
        self._size = size
        self._resources.mailbox.post(self._write, response, close)

    # On the loop

    def _write(self, response: bytes, close: bool) -> None:
        """Write; supervise a client that does not read all of the response at once."""
        if self.disconnected:
            return
        if self._connection.output.write(response):
            self._connection.response_sent(close=close)
        else:
            self.open_writer().supervise(response, close=close)

    def connection_lost(self) -> None:
        """Handle the end of the connection."""
        self.disconnected = True
        if self._writer is not None:
            self._writer.connection_lost()

    def abort(self) -> None:
        """Close the connection if the response is incomplete."""
        if self._writer is None:
            self._connection.abort()
        else:
            self._writer.abort()

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Call when the last byte was sent, or the client has disconnected."""
        if self._writer is None:
            callback()
        else:
            self._writer.when_ended(callback)
