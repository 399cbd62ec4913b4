"""The ancestor's exceptions, each by its name and with its attributes."""

from ...events import EmitHandlerError as EmitHandlerError
from ...events import EventAlreadyBound
from ...events import InvalidInstanceError as InvalidInstanceError
from ...events import NotCallableError as NotCallableError
from ...exceptions import C10kwsError

TornadoWebSocketsError = C10kwsError
WebSocketEventAlreadyBinded = EventAlreadyBound
#: As the index of the ancestor's manual spells it.
WebSocketEventAlreadyBound = EventAlreadyBound
