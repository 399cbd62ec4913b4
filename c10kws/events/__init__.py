"""Events over WebSockets: named, with data in JSON, in both directions.

``docs/reference/events.rst``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy_names import lazy_names

if TYPE_CHECKING:
    from .brokers.emission import Emission
    from .clients.socket import Socket
    from .emitting.room import Room
    from .emitting.room_events import RoomEvents
    from .endpoint import EventSocket
    from .exceptions import (
        BrokerUnavailable,
        EmitHandlerError,
        EventAlreadyBound,
        EventError,
        InvalidInstanceError,
        NoHistory,
        NotCallableError,
        PathAlreadyUsed,
        RolledBack,
    )
    from .progress import Progress, ProgressBar

__all__ = [
    "BrokerUnavailable",
    "Emission",
    "EmitHandlerError",
    "EventAlreadyBound",
    "EventError",
    "EventSocket",
    "InvalidInstanceError",
    "NoHistory",
    "NotCallableError",
    "PathAlreadyUsed",
    "Progress",
    "ProgressBar",
    "RolledBack",
    "Room",
    "RoomEvents",
    "Socket",
]

__getattr__ = lazy_names(
    __name__,
    {
        "BrokerUnavailable": ".exceptions",
        "Emission": ".brokers.emission",
        "EmitHandlerError": ".exceptions",
        "EventAlreadyBound": ".exceptions",
        "EventError": ".exceptions",
        "EventSocket": ".endpoint",
        "InvalidInstanceError": ".exceptions",
        "NoHistory": ".exceptions",
        "NotCallableError": ".exceptions",
        "PathAlreadyUsed": ".exceptions",
        "Progress": ".progress",
        "ProgressBar": ".progress",
        "RolledBack": ".exceptions",
        "Room": ".emitting.room",
        "RoomEvents": ".emitting.room_events",
        "Socket": ".clients.socket",
    },
)
