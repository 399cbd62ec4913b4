"""Events over WebSockets: named, with data in JSON, both ways. ``docs/events.rst``."""

from __future__ import annotations

from .endpoint import EventSocket, Target
from .exceptions import (
    EmitHandlerError,
    EventAlreadyBound,
    EventError,
    InvalidInstanceError,
    NotCallableError,
    PathAlreadyUsed,
)
from .progress import ProgressBar
from .socket import Socket
from .system import sign_room

__all__ = [
    "EmitHandlerError",
    "EventAlreadyBound",
    "EventError",
    "EventSocket",
    "InvalidInstanceError",
    "NotCallableError",
    "PathAlreadyUsed",
    "ProgressBar",
    "Socket",
    "Target",
    "sign_room",
]
