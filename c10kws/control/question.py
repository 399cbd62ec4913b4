"""``Question``: a request that travels by a broker, and its replies.

It is published to the channel :data:`~c10kws.events.brokers.channels.CONTROL`, with the name of a
channel for the replies and the tokens of the processes that need not answer. Each other process
acknowledges it at once, then replies. So the asker knows for whom it waits.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Collection, Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Any

from ..events.brokers.base import Broker
from ..events.brokers.channels import CONTROL, replies_of
from ..events.brokers.emission import Emission
from ..events.brokers.history import Position
from ..events.brokers.message import Arrival, Message
from ..events.brokers.receivers import DirectReceiver
from ..events.emitting.emitter import no_answer
from ..events.exceptions import BrokerUnavailable
from .plain_data import Data, decode, encode
from .replies import VERSION

#: Seconds within which a process must acknowledge a request.
ACKNOWLEDGE_TIMEOUT = 0.5
#: A message of the asker to itself, and the seconds that it may take.
CHECK: Data = {}
CHECK_TIMEOUT = 1.0


class Question(DirectReceiver):
    """Asks once."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._channel = replies_of(secrets.token_urlsafe(9))
        self._changed = threading.Condition()
        self._names: dict[str, str] = {}  # of the processes that have acknowledged, by token
        self._replies: dict[str, Data] = {}
        self._lost = False

    def ask(
        self, request: Mapping[str, Any], asked: Collection[str], timeout: float
    ) -> list[Data | str]:
        """Return the replies of all processes but those that are asked already, and problems.

        Raises :exc:`.BrokerUnavailable`.
        """
        end = monotonic() + timeout
        confirmed = self._broker.subscribe(self._channel, self, None)
        try:
            self._wait_for_subscription(confirmed)
            self._publish({**request, "version": VERSION, "asked": sorted(asked)})
            self._wait_for_replies(end)
            self._check_connection()
        finally:
            self._broker.unsubscribe(self._channel, self)
        silent = [name for token, name in self._names.items() if token not in self._replies]
        problems = [f"Process {name} did not answer within {timeout:g} s." for name in silent]
        if self._lost:
            problems.append("The connection to the broker was interrupted; answers may be missing.")
        return [*self._replies.values(), *problems]

    def receive(self, arrival: Arrival) -> None:
        """Note an acknowledgement or a reply."""
        reply = decode(arrival.message.text)
        if reply == CHECK:
            return
        token = str(reply["token"])
        with self._changed:
            self._names[token] = str(reply["process"])
            if "acknowledged" not in reply:
                self._replies[token] = reply
            self._changed.notify_all()

    def reset(self, position: Position | None) -> None:
        """Note that replies were lost."""
        self._lost = True

    def _wait_for_subscription(self, confirmed: Future[Position | None]) -> None:
        try:
            confirmed.result(self._broker.timeout)
        except TimeoutError:
            raise no_answer(self._broker) from None

    def _publish(self, request: Data) -> None:
        self._send(CONTROL, {**request, "reply": self._channel}, self._broker.timeout)

    def _check_connection(self) -> None:
        """Note if the connection is lost: a reply may have been lost with it."""
        try:
            self._send(self._channel, CHECK, CHECK_TIMEOUT)
        except BrokerUnavailable:
            self._lost = True

    def _send(self, channel: str, data: Data, timeout: float) -> None:
        """Publish a message. Raises :exc:`.BrokerUnavailable`."""
        emission = Emission()
        self._broker.publish(channel, Message(encode(data)), None, emission)
        try:
            emission.result(timeout)
        except TimeoutError:
            error = no_answer(self._broker)
            emission.fail(error)  # it must not be sent later
            raise error from None

    def _wait_for_replies(self, end: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._lost, ACKNOWLEDGE_TIMEOUT)
            self._changed.wait_for(
                lambda: self._lost or self._names.keys() <= self._replies.keys(), end - monotonic()
            )
