"""``WebSocketHandler``: what the ancestor calls a client."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from asgiref.sync import async_to_sync

from ...events import EventSocket, Socket
from ...events.dispatch.dispatcher import Dispatcher
from .exceptions import WebSocketClosedError


class WebSocketHandler(Socket):
    """A client of a ``WebSocket``."""

    closed_error = WebSocketClosedError
    endpoint: EventSocket

    @property
    def websocket(self) -> EventSocket:  # type: ignore[override]
        """The ``WebSocket`` of this client; ``connection`` is its connection."""
        return self.endpoint

    def initialize(self, websocket: EventSocket) -> None:
        """Set the ``WebSocket`` of this client."""
        self.endpoint = websocket

    def on_message(self, message: str) -> None:
        """Handle a frame as if the client had sent it. Do not call it on an event loop's thread."""
        async_to_sync(self._handle)(message)

    async def _handle(self, message: str) -> None:
        await Dispatcher(self.endpoint, self).handle([message])

    def on_close(self) -> None:
        """Remove this client from its ``WebSocket``."""
        self.endpoint.leave(self)

    def emit(self, event: str, data: Any = None, **options: Any) -> Awaitable[None]:
        """Send an event to this client; falsy data, such as ``[]``, is sent as ``{}``."""
        return super().emit(event, data or None, **options)
