"""``Broker``: carries messages between the processes of a site."""

from __future__ import annotations

from abc import ABC, abstractmethod

from .emission import Emission
from .message import Message
from .receivers import Receiver


class Broker(ABC):
    """Messages to channels, from any thread; one object for each alias and process.

    A broker knows no clients. What it publishes comes back to all processes that have subscribed to
    the channel, this one included, and in one order for all of them.
    """

    @abstractmethod
    def subscribe(self, channel: str, receiver: Receiver) -> None:
        """Call ``receiver`` on each event loop for the messages of a channel."""

    @abstractmethod
    def unsubscribe(self, channel: str, receiver: Receiver) -> None:
        """Undo :meth:`subscribe`."""

    @abstractmethod
    def publish(self, channel: str, message: Message, emission: Emission) -> None:
        """Send a message to all subscribers of a channel; ``emission`` tells the outcome."""
