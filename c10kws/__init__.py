"""Real-time for the Django you already have: WebSocket endpoints are ordinary views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .connection.broadcast import broadcast
from .connection.websocket import WebSocket
from .exceptions import C10kwsError, ClientDisconnected, ConnectionClosed
from .tornado_setting import django_app

if TYPE_CHECKING:
    from .longpoll import asynchronous
    from .views.decorator import websocket

__all__ = [
    "C10kwsError",
    "ClientDisconnected",
    "ConnectionClosed",
    "WebSocket",
    "asynchronous",
    "broadcast",
    "django_app",
    "websocket",
]
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> object:
    """Import the decorators on first use: they need Django, ``WebSocket`` does not."""
    if name == "websocket":
        from .views.decorator import websocket

        return websocket
    if name == "asynchronous":
        from .longpoll import asynchronous

        return asynchronous
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
