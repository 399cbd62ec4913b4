"""A broker that reaches other machines, without a network: they are in this process."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any, ClassVar

from c10kws.control.replies import VERSION
from c10kws.events.brokers.base import Broker, Feature
from c10kws.events.brokers.channels import CONTROL, replies_of
from c10kws.events.brokers.emission import Emission
from c10kws.events.brokers.memory import MemoryBroker
from c10kws.events.brokers.message import Arrival, Message
from c10kws.events.brokers.receivers import DirectReceiver

from .waiting import WAIT

#: The setting BROKERS.
NETWORK = {"default": {"BACKEND": f"{__name__}.NetworkBroker"}}
#: The channel of replies to an ``Asker``.
CHANNEL = replies_of("test")


class NetworkBroker(MemoryBroker):
    """A ``memory`` broker that claims to reach other machines."""

    features: ClassVar = frozenset({Feature.PROCESSES, Feature.MACHINES, Feature.HISTORY})

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        super().__init__(alias, configuration)
        self._lock = threading.RLock()  # type: ignore[assignment] # receivers publish


class Asker(DirectReceiver):
    """Sends requests by hand, and keeps the replies."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.replies: list[dict[str, Any]] = []
        broker.subscribe(CHANNEL, self, None).result(WAIT)

    def ask(self, **request: Any) -> None:
        request = {"version": VERSION, "asked": [], "reply": CHANNEL} | request
        send(self._broker, CONTROL, request)

    def receive(self, arrival: Arrival) -> None:
        self.replies.append(json.loads(arrival.message.text))

    def results(self) -> list[Any]:
        """Return the replies that are no acknowledgements."""
        return [each for each in self.replies if "acknowledged" not in each]


class Elsewhere(DirectReceiver):
    """A process of another machine, by hand. ``replies`` follow its acknowledgement."""

    def __init__(self, broker: Broker, *replies: dict[str, Any], name: str = "web2:7") -> None:
        self._broker = broker
        self._replies = replies
        self._own = {"version": VERSION, "process": name, "token": name}
        self.requests: list[dict[str, Any]] = []
        broker.subscribe(CONTROL, self, None).result(WAIT)

    def receive(self, arrival: Arrival) -> None:
        request = json.loads(arrival.message.text)
        self.requests.append(request)
        for reply in ({"acknowledged": True}, *self._replies):
            send(self._broker, request["reply"], self._own | reply)


def send(broker: Broker, channel: str, data: dict[str, Any]) -> None:
    broker.publish(channel, Message(json.dumps(data)), None, Emission())
