"""``WebSocket``: the connection that a handler gets."""

from ...connection.websocket import WebSocket as WebSocket
