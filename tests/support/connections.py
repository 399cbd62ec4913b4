"""What tests look at behind a WebSocket."""

from __future__ import annotations

from c10kws import WebSocket
from c10kws.connection.cork import Cork
from c10kws.connection.inbox import Inbox
from c10kws.connection.websocket import connection_of


def inbox(ws: WebSocket) -> Inbox:
    return connection_of(ws).inbox


def cork(ws: WebSocket) -> Cork:
    return connection_of(ws).sender.cork


def queued(ws: WebSocket) -> int:
    """Return the bytes that wait for the client."""
    return connection_of(ws).sender.queued


def paused(ws: WebSocket) -> bool:
    """Return True while the client reads slowly."""
    return cork(ws).pause is not None
