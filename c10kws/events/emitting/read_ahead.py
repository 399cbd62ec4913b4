"""``ReadAhead``: clients that have read messages which have not arrived in this process yet."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from ..brokers.history import Position
from ..brokers.message import Arrival
from ..clients.socket import Socket


class ReadAhead:
    """Prevents duplicates: an answer of the broker can overtake messages that it has sent."""

    def __init__(self) -> None:
        self._positions: WeakKeyDictionary[Socket, Position] = WeakKeyDictionary()

    def add(self, client: Socket, position: Position) -> None:
        """Note that a client has all messages up to a position."""
        self._positions[client] = position

    def without(self, arrival: Arrival, clients: list[Socket]) -> list[Socket]:
        """Return the clients that do not have a message yet.

        A message after the position of a client ends the comparison for this client. ``clients``
        are those of one event loop, since another one may receive its messages later.
        """
        if not self._positions:
            return clients
        return [each for each in clients if not self._has(each, arrival)]

    def _has(self, client: Socket, arrival: Arrival) -> bool:
        position = self._positions.get(client)
        if position is None or arrival.is_included(position):
            return position is not None
        del self._positions[client]
        return False
