"""Events over WebSockets: named, with data in JSON, both ways. ``docs/reference/events.rst``."""

from __future__ import annotations

from .bar import Progress
from .endpoint import EventSocket
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
from .target import Target

__all__ = [
    "EmitHandlerError",
    "EventAlreadyBound",
    "EventError",
    "EventSocket",
    "InvalidInstanceError",
    "NotCallableError",
    "PathAlreadyUsed",
    "Progress",
    "ProgressBar",
    "Socket",
    "Target",
]
