"""WebSockets as Django views: the decorator, its responses, the same-origin check."""

from .decorator import websocket

__all__ = ["websocket"]
