"""``MemoryBroker``: the broker of a single process, and of tests."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from .base import Broker, Feature
from .emission import Emission
from .history import HistoryLimits, Position
from .message import Arrival, Change, History, Message, Outcome
from .receivers import Receiver, Receivers
from .store import Store

logger = logging.getLogger("c10kws.brokers")


class MemoryBroker(Broker):
    """Broker for a single process. It delivers events in a later turn of the event loop."""

    features = frozenset({Feature.HISTORY})

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        super().__init__(alias, configuration)
        self._receivers = Receivers()
        self._store: Store[Message] = Store()
        self.counts.connected = True
        self._next_report = 1
        self._lock = threading.Lock()

    def subscribe(
        self, channel: str, receiver: Receiver, limits: HistoryLimits | None
    ) -> Future[Position | None]:
        with self._lock:
            self._receivers.add(channel, receiver)
            position = None if limits is None else self._store.position(channel, limits)
        return _known(position)

    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        self._receivers.remove(channel, receiver)

    def publish(
        self, channel: str, message: Message, limits: HistoryLimits | None, emission: Emission
    ) -> None:
        self._receivers.wait_for_room()
        with self._lock:
            self._publish(channel, message, limits, emission)

    def _publish(
        self, channel: str, message: Message, limits: HistoryLimits | None, emission: Emission
    ) -> Arrival:
        """Publish a message; the lock is held, so it is delivered in the order of positions."""
        position = None
        if limits is not None:
            position = self._store.append(channel, message, message.size, limits)
            self._report_forgotten()
        arrival = Arrival(message, position)
        self.counts.published += 1
        self.counts.received += 1
        self._receivers.deliver(channel, arrival, emission)
        return arrival

    def _report_forgotten(self) -> None:
        if self._store.forgotten >= self._next_report:
            self._next_report = 2 * self._store.forgotten
            logger.warning(
                "Histories that were removed because all together are too large: %d.",
                self._store.forgotten,
            )

    def update(
        self,
        channel: str,
        change: Change,
        limits: HistoryLimits,
        emission: Emission,
        size: int = 0,
    ) -> Future[Outcome]:
        self._receivers.wait_for_room()
        result: Future[Outcome] = Future()
        try:
            with self._lock:
                result.set_result(self._update(channel, change, limits, emission))
        except Exception as error:
            emission.fail(error)
            result.set_exception(error)
        return result

    def _update(
        self, channel: str, change: Change, limits: HistoryLimits, emission: Emission
    ) -> Outcome:
        position, last = self._store.last(channel, limits)
        message = change(last)
        if message is not None:
            return Outcome(self._publish(channel, message, limits, emission), True)
        emission.expect(0)
        return Outcome(None if last is None else Arrival(last, position), False)

    def read(self, channel: str, since: Position | None, limits: HistoryLimits) -> Future[History]:
        with self._lock:
            position = self._store.position(channel, limits)
            rows = None if since is None else self._store.rows_since(channel, since)
        if rows is None:
            return _known(History(position))
        arrivals = [Arrival(message, place) for place, message in rows]
        return _known(History(position, arrivals, recovered=True))

    def close(self, timeout: float) -> None:
        pass


def _known(value: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(value)
    return future
