"""``Broker``: carries messages between the processes of a site; called from any thread."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from concurrent.futures import Future
from enum import Enum
from typing import Any, ClassVar

from ...handlers.statistics import statistics
from .emission import Emission
from .history import HistoryLimits, Position
from .message import Change, History, Message, Outcome
from .receivers import Receiver

#: The default of TIMEOUT.
TIMEOUT = 2.0


class Feature(Enum):
    """Capabilities of a broker. The documentation makes a table of them."""

    PROCESSES = "other processes of this machine"
    MACHINES = "other machines"
    HISTORY = "history"


class Broker(ABC):
    """Publishes messages to channels and delivers them; one object for each alias and process.

    A broker does not know clients. It delivers a message to all processes that have subscribed to
    its channel, including the one that has published it, and in the same order to all of them.
    """

    features: ClassVar[frozenset[Feature]]

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        """``configuration`` is the value of the alias in the setting BROKERS."""
        self.alias = alias
        self.counts = statistics.broker(alias)
        self.options: Mapping[str, Any] = configuration.get("OPTIONS", {})
        #: Seconds that a process which does not serve waits for the answer of the broker.
        self.timeout: float = configuration.get("TIMEOUT", TIMEOUT)

    @property
    def problem(self) -> str | None:
        """A sentence while this process has lost its connection to the broker, otherwise None.

        Its reason may name the address of the broker. Reading it needs no I/O, from any thread. A
        connection that has not been needed yet is no problem, nor is one that was lost only a
        moment ago.
        """
        return None

    @property
    def outage(self) -> float | None:
        """Seconds for which there has been a :attr:`problem`; None if there is none."""
        return None

    @abstractmethod
    def subscribe(
        self, channel: str, receiver: Receiver, limits: HistoryLimits | None
    ) -> Future[Position | None]:
        """Deliver the messages of a channel to ``receiver``, on each event loop.

        The result is set when the broker has confirmed the subscription. All messages that are
        published afterwards are delivered. The result is the last position of a channel with
        history, which has ``limits``, and None for other channels.
        """

    @abstractmethod
    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        """Undo :meth:`subscribe`."""

    @abstractmethod
    def publish(
        self, channel: str, message: Message, limits: HistoryLimits | None, emission: Emission
    ) -> None:
        """Send a message to all subscribers of a channel, and keep it if there are ``limits``.

        Returns immediately. ``emission`` is done when the receivers of this process have the
        message.
        """

    @abstractmethod
    def update(
        self,
        channel: str,
        change: Change,
        limits: HistoryLimits,
        emission: Emission,
        size: int = 0,
    ) -> Future[Outcome]:
        """Publish the message that ``change`` makes from the last one of a channel with history.

        The update is atomic: if another process publishes a message in the meantime, ``change`` is
        called again, with that message. ``change`` is called in any thread, must return soon and
        must not use the broker. An exception in it ends the update. ``size`` is the number of bytes
        that ``change`` keeps in memory.

        The result is set when the broker has answered. ``emission`` is done as in :meth:`publish`,
        or immediately if nothing is published.
        """

    @abstractmethod
    def read(self, channel: str, since: Position | None, limits: HistoryLimits) -> Future[History]:
        """Read the history of a channel after a position; None reads only the last position."""

    @abstractmethod
    def close(self, timeout: float) -> None:
        """Send what is queued, for at most ``timeout`` seconds, then disconnect."""
