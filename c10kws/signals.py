"""Signals of WebSockets, sent when a connection opens and when it has ended.

The sender is the view in the URLconf, the class of a class-based view, or the EventSocket.
Receivers run in a thread, so they may use the ORM.
"""

from __future__ import annotations

from django.dispatch import Signal

__all__ = ["websocket_connected", "websocket_disconnected"]

#: Sent when a WebSocket is open, with ``websocket``, ``request``, ``user`` and ``path``.
websocket_connected = Signal()
#: Sent when it has ended and its handler, too. Adds ``code``, ``reason`` and ``duration``.
websocket_disconnected = Signal()
