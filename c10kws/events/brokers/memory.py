"""``MemoryBroker``: the broker of one process, and of tests."""

from __future__ import annotations

import threading

from .base import Broker
from .emission import Emission
from .message import Arrival, Message
from .receivers import Receiver, Receivers


class MemoryBroker(Broker):
    """Messages reach the clients in the next turn of the event loop."""

    def __init__(self) -> None:
        self._receivers = Receivers()
        self._order = threading.Lock()

    def subscribe(self, channel: str, receiver: Receiver) -> None:
        self._receivers.add(channel, receiver)

    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        self._receivers.remove(channel, receiver)

    def publish(self, channel: str, message: Message, emission: Emission) -> None:
        self._receivers.wait_for_room()
        with self._order:
            self._receivers.deliver(channel, Arrival(message), emission)
