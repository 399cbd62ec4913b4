"""``Emitter``: events from the server to the clients of one EventSocket."""

from __future__ import annotations

from collections.abc import Iterable

from ...handlers.servers import servers
from ..brokers.channels import members_of, room_of
from ..brokers.emission import Emission
from ..brokers.message import Message
from ..brokers.registry import brokers
from ..clients.socket import Socket
from ..commit import after_commit
from ..frames.serialization import EventData, encode_event
from .without_server import WithoutServer

Exclude = Socket | Iterable[Socket]


class Emitter:
    """Encodes an event once and publishes it. ``refused`` are names that cannot be emitted."""

    def __init__(
        self, path: str, broker: str, without_server: WithoutServer, refused: frozenset[str]
    ) -> None:
        self._path = path
        self._broker = broker
        self._without_server = without_server
        self._refused = refused

    def emit(
        self,
        room: str | None,
        event: str,
        data: EventData,
        exclude: Exclude,
        on_commit: bool,
        using: str | None,
    ) -> Emission:
        """Send an event to the clients in a room, or to all clients, except ``exclude``."""
        text = encode_event(event, data, refused=self._refused)
        channel = members_of(self._path) if room is None else room_of(self._path, room)
        message = Message(text, _ids_of(exclude))
        emission = Emission()
        if not self._can_emit(event):
            emission.expect(0)
            return emission

        def publish() -> None:
            emission.committed()
            brokers[self._broker].publish(channel, message, None, emission)

        if on_commit and after_commit(publish, using):
            emission.wait_for_commit()
        else:
            publish()
        return emission

    def publish(
        self, channel: str, event: str, data: EventData, versions: frozenset[int] | None
    ) -> Emission:
        """Send an event to the clients of any channel, at once."""
        emission = Emission()
        message = Message(encode_event(event, data), versions=versions)
        if self._can_emit(event):
            brokers[self._broker].publish(channel, message, None, emission)
        else:
            emission.expect(0)
        return emission

    def _can_emit(self, event: str) -> bool:
        """Return False in a process that is not serving, as EMIT_WITHOUT_SERVER says.

        Raises :exc:`EmitHandlerError` if it is "raise".
        """
        if servers.serving:
            return True
        self._without_server.handle(event)
        return False


def _ids_of(exclude: Exclude) -> frozenset[str]:
    sockets = (exclude,) if isinstance(exclude, Socket) else exclude
    return frozenset(socket.id for socket in sockets)
