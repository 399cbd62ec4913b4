"""``BrokerListener``: answers the requests of processes on other machines, by a broker.

Clients cannot send to its channel: the channels of EventSockets have other names.
"""

from __future__ import annotations

import logging
import queue
import threading

from ..events.brokers.base import Broker
from ..events.brokers.channels import CONTROL
from ..events.brokers.emission import Emission
from ..events.brokers.message import Arrival, Message
from ..events.brokers.receivers import DirectReceiver
from ..handlers.server_state import ServerState
from .broker_of_machines import broker_of_machines
from .plain_data import Data, decode, encode
from .process import this_process
from .replies import MAX_REPLY, encode_within, error_reply, reply_to

logger = logging.getLogger("c10kws")

#: Requests that wait for their answers.
MAX_WAITING = 100


class BrokerListener(DirectReceiver):
    """Listens while a server runs in this process, if a broker reaches other machines.

    It acknowledges a request in the thread in which it arrives, and answers in another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: set[ServerState] = set()
        self._broker: Broker | None = None
        self._requests: queue.Queue[Data | None] = queue.Queue()

    def started(self, state: ServerState) -> None:
        """Begin to listen with the first server."""
        with self._lock:
            self._states.add(state)
            if self._broker is None:
                self._broker = broker_of_machines()
                if self._broker is not None:
                    self._listen(self._broker)

    def stopped(self, state: ServerState) -> None:
        """Stop with the last server."""
        with self._lock:
            self._states.discard(state)
            if not self._states and self._broker is not None:
                self._broker.unsubscribe(CONTROL, self)
                self._broker = None
                self._requests.put(None)

    def _listen(self, broker: Broker) -> None:
        self._requests = queue.Queue()
        arguments = (broker, self._requests)
        name = "c10kws-control-broker"
        threading.Thread(target=_run, args=arguments, name=name, daemon=True).start()
        broker.subscribe(CONTROL, self, None)

    def receive(self, arrival: Arrival) -> None:
        """Acknowledge a request, and queue it."""
        request, broker = decode(arrival.message.text), self._broker
        if broker is None or this_process().token in request.pop("asked"):
            return
        channel = str(request["reply"])
        if self._requests.qsize() >= MAX_WAITING:
            reply = error_reply(f"{MAX_WAITING} other requests wait for an answer.")
            _publish(broker, channel, encode(_signed(reply)))
            return
        acknowledgement = {"process": this_process().name, "acknowledged": True}
        _publish(broker, channel, encode(_signed(acknowledgement)))
        self._requests.put(request)


def _run(broker: Broker, requests: queue.Queue[Data | None]) -> None:
    """Answer requests until None follows."""
    while (request := requests.get()) is not None:
        try:
            channel = str(request.pop("reply"))
            _publish(broker, channel, encode_within(_signed(reply_to(request)), MAX_REPLY))
        except Exception:  # the next request must be answered
            logger.exception("A request to this process failed.")


def _signed(reply: Data) -> Data:
    """Return a reply with the token of this process."""
    return reply | {"token": this_process().token}


def _publish(broker: Broker, channel: str, text: str) -> None:
    broker.publish(channel, Message(text), None, Emission())
