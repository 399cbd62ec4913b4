"""``WebSocketHandler``: what the ancestor calls a client."""

from asgiref.sync import async_to_sync

from ...events import EventSocket, Socket
from ...events.conversation import Conversation


class WebSocketHandler(Socket):
    """A client of a WebSocket, which makes it."""

    def initialize(self, websocket: EventSocket) -> None:
        """Belong to a WebSocket."""
        self.endpoint = websocket

    def on_message(self, message: str) -> None:
        """Handle a frame as if the client had sent it; not from an event loop's thread."""
        async_to_sync(Conversation(self.endpoint, self).handle)(message)

    def on_close(self) -> None:
        """Belong to no WebSocket any more."""
        self.endpoint.leave(self)
