"""Real-time for the Django you already have: WebSocket endpoints are ordinary views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .lazy_names import lazy_names

if TYPE_CHECKING:
    from .connection.broadcast import broadcast
    from .connection.websocket import WebSocket
    from .exceptions import C10kwsError, ClientDisconnected, ConnectionClosed
    from .longpoll import asynchronous
    from .tornado_setting import django_app
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

__getattr__ = lazy_names(
    __name__,
    {
        "C10kwsError": ".exceptions",
        "ClientDisconnected": ".exceptions",
        "ConnectionClosed": ".exceptions",
        "WebSocket": ".connection.websocket",
        "asynchronous": ".longpoll",
        "broadcast": ".connection.broadcast",
        "django_app": ".tornado_setting",
        "websocket": ".views.decorator",
    },
)
