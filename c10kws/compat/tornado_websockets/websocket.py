"""``WebSocket``: an EventSocket whose callbacks may write ``data.message``."""

from typing import Any

from ...events import EventSocket
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
