"""``Room``: the clients of an EventSocket that are in a room."""

from __future__ import annotations

from ..brokers.emission import Emission
from ..frames.serialization import EventData
from .emitter import Emitter, Exclude


class Room:
    """A room of an EventSocket: ``chat.to("news").emit("headline", {…})``."""

    def __init__(self, emitter: Emitter, name: str) -> None:
        self._emitter = emitter
        self._name = name

    def emit(
        self,
        event: str,
        data: EventData = None,
        *,
        exclude: Exclude = (),
        on_commit: bool = True,
        using: str | None = None,
    ) -> Emission:
        """Send an event to the clients in the room; see :meth:`EventSocket.emit`."""
        return self._emitter.emit(self._name, event, data, exclude, on_commit, using)
