"""``WebSocketHandler``: what the ancestor calls a client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

from asgiref.sync import async_to_sync

from ...events import EventSocket, Socket
from ...events.conversation import Conversation
from .exceptions import WebSocketClosedError

if TYPE_CHECKING:
    from .websocket import WebSocket


class WebSocketHandler(Socket):
    """A client of a WebSocket, which makes it."""

    closed_error = WebSocketClosedError

    @property
    def websocket(self) -> WebSocket:  # type: ignore[override]
        """The WebSocket of this client; ``connection`` is its connection."""
        return self.endpoint  # type: ignore[return-value]

    def initialize(self, websocket: EventSocket) -> None:
        """Belong to a WebSocket."""
        self.endpoint = websocket

    def on_message(self, message: str) -> None:
        """Handle a frame as if the client had sent it; not from an event loop's thread."""
        async_to_sync(Conversation(self.endpoint, self).handle)(message)

    def on_close(self) -> None:
        """Belong to no WebSocket any more."""
        self.endpoint.leave(self)

    def emit(self, event: str, data: Any = None, **options: Any) -> Awaitable[None]:
        """Send an event to this client; false data, such as ``[]``, is sent as ``{}``."""
        return super().emit(event, data or None, **options)
