"""``Receivers``: the receivers of messages in this process, by channel."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from typing import Protocol

from ...handlers.servers import servers
from .emission import Emission
from .history import Position
from .message import Arrival

logger = logging.getLogger("c10kws.brokers")


class Receiver(Protocol):
    """Handles the messages of a channel for the clients of the running event loop."""

    def receive(self, arrival: Arrival) -> object:
        """Handle a message."""

    def reset(self, position: Position | None) -> object:
        """Handle a loss of messages. ``position`` is the last one, in a channel with history."""


class DirectReceiver(ABC):
    """A receiver that needs no event loop, and therefore no server.

    It is called in the thread in which messages arrive, and must not block this thread. Either all
    receivers of a channel are of this kind, or none.
    """

    @abstractmethod
    def receive(self, arrival: Arrival) -> object:
        """Handle a message."""

    def reset(self, position: Position | None) -> None:
        """Ignore a loss of messages, unless a subclass handles it."""
        return


class Receivers:
    """Receivers by channel. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._receivers: dict[str, tuple[Receiver, ...]] = {}
        self._direct: set[str] = set()  # channels of DirectReceivers

    def add(self, channel: str, receiver: Receiver) -> bool:
        """Add a receiver; return True for the first of its channel."""
        with self._lock:
            receivers = self._receivers.get(channel, ())
            if isinstance(receiver, DirectReceiver):
                self._direct.add(channel)
            self._receivers[channel] = (*receivers, receiver)
            return not receivers

    def remove(self, channel: str, receiver: Receiver) -> bool:
        """Remove a receiver; return True if its channel has no other."""
        with self._lock:
            left = list(self._receivers.pop(channel))
            left.remove(receiver)
            if left:
                self._receivers[channel] = tuple(left)
            else:
                self._direct.discard(channel)
            return not left

    def __contains__(self, channel: object) -> bool:
        return channel in self._receivers

    @property
    def has_room(self) -> bool:
        """True if the event loops of this process keep up."""
        return all(state.calls.has_room for state in list(servers.running))

    def wait_for_room(self) -> None:
        """Wait until the event loops of this process can take another message."""
        for state in list(servers.running):
            state.calls.wait_for_room()

    def deliver(self, channel: str, arrival: Arrival, emission: Emission | None = None) -> None:
        """Queue a message for the clients of this process.

        One thread at a time may call this. Otherwise the order of messages could differ between
        event loops.
        """
        receivers = self._receivers.get(channel, ())
        calls = [partial(receiver.receive, arrival) for receiver in receivers]
        self._call(channel, calls, arrival.message.size, emission or Emission())

    def reset(self, channel: str, position: Position | None) -> None:
        """Queue a notice that messages of a channel were lost."""
        receivers = self._receivers.get(channel, ())
        calls = [partial(receiver.reset, position) for receiver in receivers]
        self._call(channel, calls, 0, Emission())

    def _call(
        self, channel: str, calls: Sequence[Callable[[], object]], size: int, emission: Emission
    ) -> None:
        if channel in self._direct:
            emission.expect(1)
            _call_now(calls, emission)
            return
        states = list(servers.running) if calls else []
        emission.expect(len(states))
        for state in states:
            try:
                state.calls.put(partial(_make, calls, emission), size)
            except RuntimeError:  # the loop is closed, and it has no clients any more
                emission.count()


def _call_now(calls: Sequence[Callable[[], object]], emission: Emission) -> None:
    try:
        _make(calls, emission)
    except Exception:  # it must not prevent the delivery of the next message
        logger.exception("A receiver failed to handle a message.")


def _make(calls: Sequence[Callable[[], object]], emission: Emission) -> None:
    try:
        for call in calls:
            call()
    finally:
        emission.count()
