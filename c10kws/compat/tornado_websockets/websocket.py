"""``WebSocket``: an EventSocket whose callbacks may write ``data.message``."""

from collections.abc import Callable
from typing import Any

from ...events import EventSocket, InvalidInstanceError
from ...events.endpoint import OWN
from .websockethandler import WebSocketHandler as WebSocketHandler


class Data(dict[str, Any]):
    """A dictionary whose keys read as attributes, too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"expected {name!r} among {sorted(self)}") from None


class WebSocket(EventSocket):
    """The ancestor's endpoint. ``include("c10kws.events.urls")`` gives it its URL."""

    socket_class = WebSocketHandler
    data_class = Data
    without_server = "raise"
    life_cycle = OWN  # connect, disconnect and error were events like others

    def __init__(self, path: str, *arguments: Any, **options: Any) -> None:
        if not isinstance(path, str):
            raise InvalidInstanceError(path, "a path as a str")
        super().__init__(path, *arguments, **options)

    @property
    def events(self) -> dict[str, Callable[..., Any]]:
        """The callbacks by the names of their events; a copy."""
        return {name: callback.function for name, callback in self._callbacks.items()}

    def emit(self, event: str, data: Any = None, **options: Any) -> None:
        """Send an event to every client; data that is false, such as ``[]``, is ``{}``."""
        super().emit(event, data or None, **options)
