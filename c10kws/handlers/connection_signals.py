"""The signals of one connection: they are sent in order, by threads of the server.

Without a receiver nothing is called in a thread and nothing is kept.
"""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import Any

from django.dispatch import Signal

from ..connection.websocket import WebSocket
from ..signals import websocket_connected, websocket_disconnected
from .threads import HandlerThreads

logger = logging.getLogger("c10kws")


def send_connected(
    threads: HandlerThreads, sender: object, websocket: WebSocket, path: str
) -> Future[Any] | None:
    """Send :data:`websocket_connected`; return its future, or None without a receiver."""
    if not websocket_connected.has_listeners(sender):
        return None
    return _submit(threads, websocket_connected, sender, _arguments(websocket, path))


def send_disconnected(
    threads: HandlerThreads,
    sender: object,
    websocket: WebSocket,
    path: str,
    duration: float,
    after: Future[Any] | None,
) -> None:
    """Send :data:`websocket_disconnected` when ``after``, the other signal, is sent."""
    if not websocket_disconnected.has_listeners(sender):
        return
    arguments = _arguments(websocket, path)
    arguments |= {"code": websocket.close_code, "reason": websocket.close_reason or ""}
    arguments["duration"] = duration

    def send(_: object = None) -> None:
        _submit(threads, websocket_disconnected, sender, arguments)

    if after is None:
        send()
    else:
        after.add_done_callback(send)


def _arguments(websocket: WebSocket, path: str) -> dict[str, object]:
    return {
        "websocket": websocket,
        "request": getattr(websocket, "request", None),
        "user": getattr(websocket, "user", None),
        "path": path,
    }


def _submit(
    threads: HandlerThreads, signal: Signal, sender: object, arguments: dict[str, object]
) -> Future[Any] | None:
    try:
        return threads.submit_signal(_send, signal, sender, arguments)
    except Exception:  # thousands of signals are queued, or the server stops
        logger.exception("%s: a signal could not be sent.", arguments["path"])
        return None


def _send(signal: Signal, sender: object, arguments: dict[str, object]) -> None:
    """Call the receivers; Django logs their exceptions."""
    signal.send_robust(sender, **arguments)
