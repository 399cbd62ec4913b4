"""``WebSocket``: an EventSocket whose callbacks may write ``data.message``."""

from collections.abc import Callable
from typing import Any

from ...events import EventSocket, InvalidInstanceError, Socket
from ...events.data import Data as EventData
from ...events.data import MissingKey
from ...events.endpoint import OWN
from .websockethandler import WebSocketHandler as WebSocketHandler


class MissingAttribute(MissingKey, AttributeError):
    """Raised by ``data.message`` when the frame has none; answered as a missing key is."""


class Data(EventData):
    """A dictionary whose keys read as attributes, too."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise MissingAttribute(name)


class WebSocket(EventSocket):
    """The ancestor's endpoint. ``include("c10kws.events.urls")`` gives it its URL."""

    socket_class = WebSocketHandler
    data_class = Data
    without_server = "raise"
    life_cycle = OWN  # connect, disconnect and error were events like others
    never_emitted = frozenset()  # a page without the JavaScript client takes any event

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        if not isinstance(path, str):
            raise InvalidInstanceError(path, "a path as a str")
        super().__init__(path, *arguments, **options)

    @property
    def handlers(self) -> list[Socket]:
        """The clients, oldest first, and after them those whose ``open`` is running."""
        return self._listeners()

    def __len__(self) -> int:
        return len(self.handlers)

    def __contains__(self, socket: object) -> bool:
        return socket in self.handlers

    @property
    def events(self) -> dict[str, Callable[..., Any]]:
        """The callbacks by the names of their events; a copy."""
        return {name: callback.function for name, callback in self._callbacks.items()}

    def emit(self, event: str, data: Any = None, **options: Any) -> None:
        """Send an event to every client; false data, such as ``[]``, is sent as ``{}``."""
        super().emit(event, data or None, **options)
