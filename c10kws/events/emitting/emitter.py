"""``Emitter``: events from the server to the clients of one EventSocket."""

from __future__ import annotations

from collections.abc import Iterable

from ...connection.loop import on_event_loop
from ...handlers.servers import servers
from ..brokers.base import Broker, Feature
from ..brokers.channels import members_of, room_of
from ..brokers.emission import Emission
from ..brokers.history import HistoryLimits
from ..brokers.message import Message
from ..brokers.registry import brokers
from ..clients.socket import Socket
from ..commit import after_commit
from ..exceptions import BrokerUnavailable
from ..frames.serialization import EventData, encode_event
from ..rooms.history_rules import HistoryRules
from .without_server import WithoutServer

Exclude = Socket | Iterable[Socket]


class Emitter:
    """Encodes an event once and publishes it. ``refused`` are names that cannot be emitted."""

    def __init__(
        self,
        path: str,
        broker: str,
        history: HistoryRules,
        without_server: WithoutServer,
        refused: frozenset[str],
    ) -> None:
        self.path = path
        self._broker = broker
        self._history = history
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
        message = Message(text, _ids_of(exclude))
        if room is None:
            channel, limits = members_of(self.path), None
        else:
            channel, limits = room_of(self.path, room), self.limits_of(room)
        emission = Emission()
        broker = self._find_broker(event)
        if broker is None:
            emission.expect(0)
            return emission

        def publish() -> None:
            emission.committed()
            _publish(broker, channel, message, limits, emission)

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
        broker = self._find_broker(event)
        if broker is None:
            emission.expect(0)
        else:
            _publish(broker, channel, message, None, emission)
        return emission

    def limits_of(self, room: str) -> HistoryLimits | None:
        """Return what a room keeps; None if it has no history."""
        return self._history.limits_of(room)

    def _find_broker(self, event: str) -> Broker | None:
        """Return the broker; None if an event of this process would reach nobody.

        Raises :exc:`EmitHandlerError` if EMIT_WITHOUT_SERVER is "raise".
        """
        broker = brokers[self._broker]
        if servers.serving or Feature.PROCESSES in broker.features:
            return broker
        self._without_server.handle(event)
        return None


def _publish(
    broker: Broker,
    channel: str,
    message: Message,
    limits: HistoryLimits | None,
    emission: Emission,
) -> None:
    """Publish; in a process that does not serve wait for the answer of the broker.

    Raises :exc:`BrokerUnavailable` if it does not come.
    """
    broker.publish(channel, message, limits, emission)
    if servers.serving or on_event_loop():
        return
    try:
        emission.result(broker.timeout)
    except TimeoutError:
        reason = f"no answer within {broker.timeout:g} s"
        problem = broker.problem
        error = BrokerUnavailable(broker.alias, f"{reason} ({problem})" if problem else reason)
        emission.fail(error)
        raise error from None


def _ids_of(exclude: Exclude) -> frozenset[str]:
    sockets = (exclude,) if isinstance(exclude, Socket) else exclude
    return frozenset(socket.id for socket in sockets)
