"""``WebSocket``: the connection that a handler gets."""

from ...connection import WebSocket as WebSocket
