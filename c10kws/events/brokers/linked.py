"""``LinkedBroker``: base class of brokers in other processes, which are reached by a link."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from time import monotonic
from typing import Any

from .base import Broker
from .emission import Emission
from .history import HistoryLimits, Position
from .link.commands import Command, Publish, Read, Subscribe, Update
from .link.connection import BrokerConnection
from .link.fallback import Fallback
from .link.link import Link
from .message import Change, History, Message, Outcome
from .receivers import Receiver, Receivers


class LinkedBroker(Broker):
    """Starts the link at the first command. A subclass creates the connections."""

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        super().__init__(alias, configuration)
        self._receivers = Receivers()
        self._fallback = Fallback(alias, self._receivers, self.counts)
        self._lock = threading.Lock()
        self._link: Link | None = None

    @abstractmethod
    def connect(self) -> BrokerConnection:
        """Return a new connection that is not open yet."""

    @property
    def problem(self) -> str | None:
        link = self._link
        return None if link is None else link.problem

    @property
    def outage(self) -> float | None:
        link = self._link
        return None if link is None else link.outage

    def subscribe(
        self, channel: str, receiver: Receiver, limits: HistoryLimits | None
    ) -> Future[Position | None]:
        self._receivers.add(channel, receiver)
        confirmed: Future[Position | None] = Future()
        self._put(Subscribe(channel, limits, [confirmed], monotonic() + self.timeout))
        return confirmed

    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        link = self._link
        if self._receivers.remove(channel, receiver) and link is not None:
            link.leave(channel)

    def publish(
        self, channel: str, message: Message, limits: HistoryLimits | None, emission: Emission
    ) -> None:
        self._put(Publish(channel, message, limits, emission))

    def update(
        self,
        channel: str,
        change: Change,
        limits: HistoryLimits,
        emission: Emission,
        size: int = 0,
    ) -> Future[Outcome]:
        update = Update(channel, change, limits, emission, size)
        self._put(update)
        return update.result

    def read(self, channel: str, since: Position | None, limits: HistoryLimits) -> Future[History]:
        result: Future[History] = Future()
        self._put(Read(channel, since, limits, result))
        return result

    def close(self, timeout: float) -> None:
        with self._lock:
            link, self._link = self._link, None
        if link is not None:
            link.close(timeout)

    def _put(self, command: Command) -> None:
        (self._link or self._begin()).put(command)

    def _begin(self) -> Link:
        with self._lock:
            if self._link is None:
                self._link = Link(
                    self.alias, self.connect, self._receivers, self._fallback, self.counts
                )
            return self._link
