"""``WebSocket``: an EventSocket whose callbacks may write ``data.message``."""

from collections.abc import Callable
from typing import Any

from ...events import EventSocket, InvalidInstanceError, Socket
from ...events.brokers.emission import Emission
from ...events.dispatch.bindings import CALLED_BY_SERVER
from ...events.dispatch.received_data import MissingKey, ReceivedData
from .websockethandler import WebSocketHandler as WebSocketHandler


class MissingAttribute(MissingKey, AttributeError):
    """The frame has no such key. It is answered like a missing key."""


class AttributeData(ReceivedData):
    """A dictionary whose keys can be read as attributes, too."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise MissingAttribute(name)


class WebSocket(EventSocket):
    """The ancestor's endpoint. Its URL is in ``include("c10kws.events.urls")``."""

    socket_class = WebSocketHandler
    data_class = AttributeData
    without_server = "raise"
    life_cycle = CALLED_BY_SERVER  # connect, disconnect and error were events like others
    never_emitted = frozenset()  # a page without the JavaScript client can handle any event

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        if not isinstance(path, str):
            raise InvalidInstanceError(path, "a path as a str")
        super().__init__(path, *arguments, **options)

    @property
    def handlers(self) -> list[Socket]:
        """The clients, oldest first, and after them the clients whose ``open`` is running."""
        return self.members.listeners()

    @property
    def sockets(self) -> list[Socket]:
        """The same as ``handlers``."""
        return self.handlers

    def __len__(self) -> int:
        return len(self.handlers)

    def __contains__(self, socket: object) -> bool:
        return socket in self.handlers

    @property
    def events(self) -> dict[str, Callable[..., Any]]:
        """The callbacks by the names of their events; a copy."""
        return self.bindings.functions()

    def emit(self, event: str, data: Any = None, **options: Any) -> Emission:
        """Send an event to every client; falsy data, such as ``[]``, is sent as ``{}``."""
        return super().emit(event, data or None, **options)
