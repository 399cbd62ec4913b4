"""Real-time for the Django you already have: WebSocket endpoints are ordinary views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .broadcast import broadcast
from .connection import WebSocket
from .exceptions import C10kwsError, ConnectionClosed
from .marker import django_app

if TYPE_CHECKING:
    from .views import websocket

__all__ = [
    "C10kwsError",
    "ConnectionClosed",
    "WebSocket",
    "broadcast",
    "django_app",
    "websocket",
]
__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> object:
    """Import ``websocket`` on first use: it needs Django, ``WebSocket`` does not."""
    if name == "websocket":
        from .views import websocket

        return websocket
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
