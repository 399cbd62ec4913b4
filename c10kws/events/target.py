"""``Target``: the clients of an EventSocket that are in a room."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from . import outgoing
from .commit import after_commit
from .socket import Socket

if TYPE_CHECKING:
    from .endpoint import EventSocket


class Target:
    """A room of an EventSocket: ``chat.to("news").emit("headline", {…})``."""

    def __init__(self, endpoint: EventSocket, room: str) -> None:
        self._endpoint = endpoint
        self._room = room

    def emit(
        self,
        event: str,
        data: outgoing.Data = None,
        *,
        exclude: Socket | Iterable[Socket] = (),
        on_commit: bool = True,
        using: str | None = None,
    ) -> None:
        """Send an event to the clients in the room; see :meth:`EventSocket.emit`."""
        send = self._endpoint.send_to_room(self._room, event, data, as_set(exclude))
        if not self._endpoint.can_emit(event):
            return
        if not (on_commit and after_commit(send, using)):
            send()


def as_set(exclude: Socket | Iterable[Socket]) -> set[Socket]:
    """Return the clients to leave out."""
    return {exclude} if isinstance(exclude, Socket) else set(exclude)
