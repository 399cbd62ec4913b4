"""``Emitter``: events from the server to the clients of one EventSocket."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from ...connection.loop import on_event_loop
from ...handlers.servers import servers
from ..brokers.base import Broker, Feature
from ..brokers.channels import members_of, room_of
from ..brokers.emission import Emission
from ..brokers.history import HistoryLimits, Position
from ..brokers.link.connection import ConnectionLost
from ..brokers.message import Message
from ..brokers.registry import brokers
from ..clients.socket import Socket
from ..commit import after_commit
from ..exceptions import BrokerUnavailable, NoHistory, RolledBack
from ..frames.serialization import EventData, encode_event
from ..rooms.history_rules import HistoryRules
from .without_server import WithoutServer

Exclude = Socket | Iterable[Socket]
#: The reason of :exc:`BrokerUnavailable` when the position of a room is not known.
UNREADABLE = "the history of a room could not be read"


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

    @property
    def reaches_other_processes(self) -> bool:
        """True if the broker carries events to other processes."""
        return Feature.PROCESSES in brokers[self._broker].features

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
        emission = Emission()
        if not self.reaches_clients(event):
            emission.expect(0)
            return emission
        publish = self._publisher(room, message, emission)

        def drop() -> None:
            emission.fail(RolledBack(event, self.path))

        if on_commit and after_commit(publish, using, drop):
            emission.wait_for_commit()
        else:
            publish()
        return emission

    def _publisher(
        self, room: str | None, message: Message, emission: Emission
    ) -> Callable[[], None]:
        """Return a function that publishes a message to a room, or to all clients."""
        broker, limits, channel = self.broker, None, members_of(self.path)
        if room is not None:
            channel, limits = room_of(self.path, room), self._history.limits_of(room)

        def publish() -> None:
            emission.committed()
            _publish(broker, channel, message, limits, emission)

        return publish

    def history_of(self, room: str) -> HistoryLimits:
        """Return what a room keeps. Raises :exc:`NoHistory`."""
        limits = self._history.limits_of(room)
        if limits is None:
            raise NoHistory(room, self.path)
        return limits

    def read_position(self, room: str) -> Position:
        """Ask the broker for the last position of a room. Raises :exc:`BrokerUnavailable`."""
        limits, broker = self.history_of(room), self.broker
        reading = broker.read(room_of(self.path, room), None, limits)
        try:
            return reading.result(broker.timeout).position
        except (ConnectionLost, TimeoutError):
            raise BrokerUnavailable(broker.alias, UNREADABLE) from None

    @property
    def broker(self) -> Broker:
        """The broker of the EventSocket."""
        return brokers[self._broker]

    def reaches_clients(self, event: str) -> bool:
        """Return False if no event of this process can reach a client.

        Raises :exc:`EmitHandlerError` then if EMIT_WITHOUT_SERVER is "raise".
        """
        if servers.serving or Feature.PROCESSES in self.broker.features:
            return True
        self._without_server.handle(event)
        return False


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
        error = no_answer(broker)
        emission.fail(error)
        raise error from None


def no_answer(broker: Broker) -> BrokerUnavailable:
    """Return the error for a broker that has not answered within TIMEOUT."""
    reason = f"no answer within {broker.timeout:g} s"
    problem = broker.problem
    return BrokerUnavailable(broker.alias, f"{reason} ({problem})" if problem else reason)


def _ids_of(exclude: Exclude) -> frozenset[str]:
    if exclude == ():
        return frozenset()
    sockets = (exclude,) if isinstance(exclude, Socket) else exclude
    return frozenset(socket.id for socket in sockets)
