"""The ancestor's exceptions, each by its name and with its attributes."""

from tornado import websocket

from ...events import EmitHandlerError as EmitHandlerError
from ...events import EventAlreadyBound
from ...events import InvalidInstanceError as InvalidInstanceError
from ...events import NotCallableError as NotCallableError
from ...exceptions import C10kwsError, ConnectionClosed

TornadoWebSocketsError = C10kwsError
WebSocketEventAlreadyBinded = EventAlreadyBound
#: The spelling in the index of the ancestor's manual.
WebSocketEventAlreadyBound = EventAlreadyBound


class WebSocketClosedError(ConnectionClosed, websocket.WebSocketClosedError):
    """The client has disconnected. It is Tornado's exception and ours."""
