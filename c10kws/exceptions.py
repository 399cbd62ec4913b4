"""Exceptions of c10kws.

::

    C10kwsError
    ├── ConnectionClosed      the peer disconnected, or the connection was closed here
    ├── ClientDisconnected    the client disconnected before the response of a long poll
    └── HandshakeRefused      an opening handshake that breaks RFC 6455 §4.2
        └── OriginRefused     a page of another site that may not connect
"""

from __future__ import annotations


class C10kwsError(Exception):
    """Base class of the exceptions that c10kws raises."""


class ConnectionClosed(C10kwsError):
    """A WebSocket has ended: nothing more can be read from it or written to it.

    ``code`` and ``reason`` are those of the first Close frame of either side (RFC 6455 §7.1.5).
    ``code`` is 1005 for a Close frame without a code and 1006 for a connection that ended without a
    Close frame. ``websocket`` is the connection that ended, for handlers that use several.
    """

    def __init__(self, code: int, reason: str, websocket: object = None) -> None:
        super().__init__(code, reason, websocket)
        self.code = code
        self.reason = reason
        self.websocket = websocket

    def __str__(self) -> str:
        end = f": {self.reason}" if self.reason else ""
        return f"the WebSocket was closed with {self.code}{end}"


class ClientDisconnected(C10kwsError):
    """The client of an ``@asynchronous`` view disconnected, or its response was cut short."""


class HandshakeRefused(C10kwsError):
    """An opening handshake that cannot be accepted, and the HTTP response to it.

    ``status`` is the HTTP status code. ``reason`` is a sentence for a person. ``headers`` are the
    headers that RFC 6455 or RFC 9110 require in such a response.
    """

    def __init__(self, status: int, reason: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason
        self.headers = headers or {}

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}"


class OriginRefused(HandshakeRefused):
    """A handshake from a page whose origin may not connect.

    ``advice`` says what to do about it, briefly enough for the reason of a Close frame.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(403, f"{reason} {advice}")
        self.advice = advice
