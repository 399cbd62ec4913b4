"""``Emitter``: events from the server to the clients of one EventSocket."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...handlers.servers import servers
from ..clients.members import Members
from ..clients.socket import Socket
from ..commit import after_commit
from ..frames.serialization import EventData, encode_event
from ..rooms.rooms import Rooms
from .delivery import Delivery
from .without_server import WithoutServer

Exclude = Socket | Iterable[Socket]


class Emitter:
    """Encodes an event once and sends it to members, or to a room. ``refused`` are event names."""

    def __init__(
        self,
        members: Members,
        rooms: Rooms[Socket],
        without_server: WithoutServer,
        refused: frozenset[str],
    ) -> None:
        self.delivery = Delivery()
        self._members = members
        self._rooms = rooms
        self._without_server = without_server
        self._refused = refused

    def emit(
        self, event: str, data: EventData, exclude: Exclude, on_commit: bool, using: str | None
    ) -> None:
        """Send an event to all clients except ``exclude``."""
        text = encode_event(event, data, refused=self._refused)
        excluded = _as_set(exclude)

        def send() -> None:
            self.send([each for each in self._members.listeners() if each not in excluded], text)

        self._send_on_commit(event, send, on_commit, using)

    def emit_to_room(
        self,
        room: str,
        event: str,
        data: EventData,
        exclude: Exclude,
        on_commit: bool,
        using: str | None,
    ) -> None:
        """Send an event to the clients in a room; version 1 has the name of the room in it."""
        texts = (
            encode_event(event, data, refused=self._refused),
            encode_event(event, data, refused=self._refused, room=room),
        )
        excluded = _as_set(exclude)

        def send() -> None:
            clients = [each for each in self._rooms.listeners(room) if each not in excluded]
            for version, text in enumerate(texts):
                self.send([each for each in clients if each.version == version], text)

        self._send_on_commit(event, send, on_commit, using)

    def _send_on_commit(
        self, event: str, send: Callable[[], None], on_commit: bool, using: str | None
    ) -> None:
        if self.can_emit(event) and not (on_commit and after_commit(send, using)):
            send()

    def can_emit(self, event: str) -> bool:
        """Return False in a process that is not serving, as EMIT_WITHOUT_SERVER says.

        Raises :exc:`EmitHandlerError` if it is "raise".
        """
        if servers.serving:
            return True
        self._without_server.handle(event)
        return False

    def send(self, sockets: list[Socket], text: str) -> None:
        """Send a frame to clients, or hold it for those whose ``open`` runs."""
        opening = self._members.opening()
        if opening:
            held = self.delivery.hold([each for each in sockets if each in opening], text)
            sockets = [each for each in sockets if each not in held]
        self.delivery.send(sockets, text)


def _as_set(exclude: Exclude) -> set[Socket]:
    return {exclude} if isinstance(exclude, Socket) else set(exclude)
