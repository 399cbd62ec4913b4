"""The face to Django: decorators, responses, the same-origin check."""

from .decorator import websocket

__all__ = ["websocket"]
