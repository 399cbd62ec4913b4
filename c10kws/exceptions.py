"""Exceptions of c10kws.

::

    C10kwsError
    ├── ConnectionClosed      the peer disconnected, or the connection was closed here
    ├── ClientDisconnected            the client disconnected before the response of a long poll
    └── HandshakeRefused      an opening handshake that RFC 6455 §4.2 does not let us accept
        └── OriginRefused     a page of another site that may not connect
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection.websocket import WebSocket


class C10kwsError(Exception):
    """The root of every exception that c10kws raises on purpose."""


class ConnectionClosed(C10kwsError):
    """A WebSocket has ended; nothing more can be read from it or written to it.

    ``code`` and ``reason`` are those of the first Close frame of either side (RFC 6455 §7.1.5);
    1005 stands for a Close frame without a code, 1006 for a connection that ended without any.
    ``websocket`` is the connection, so that a handler of two can tell them apart.
    """

    def __init__(self, code: int, reason: str, websocket: WebSocket | None = None) -> None:
        super().__init__(code, reason, websocket)
        self.code = code
        self.reason = reason
        self.websocket = websocket

    def __str__(self) -> str:
        return f"the WebSocket was closed with {self.code}" + (
            f": {self.reason}" if self.reason else ""
        )


class ClientDisconnected(C10kwsError):
    """The client of an ``@asynchronous`` view has gone, or its response was cut short."""


class HandshakeRefused(C10kwsError):
    """An opening handshake that cannot be accepted, and the HTTP answer it deserves.

    ``status`` is the HTTP status code, ``reason`` a sentence for the person who reads it, and
    ``headers`` what RFC 6455 or RFC 9110 want in such an answer.
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

    ``advice`` says what to do about it, in as few words as a Close frame has room for.
    """

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(403, f"{reason} {advice}")
        self.advice = advice
