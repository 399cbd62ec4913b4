"""``Receivers``: who receives the messages of which channel in this process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from ...handlers.servers import servers
from .emission import Emission
from .message import Arrival

#: Handles a message on an event loop, for the clients of that loop. It must not raise.
Receiver = Callable[[Arrival], object]


class Receivers:
    """Receivers by channel. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._receivers: dict[str, tuple[Receiver, ...]] = {}

    def add(self, channel: str, receiver: Receiver) -> bool:
        """Add a receiver; return True for the first of its channel."""
        with self._lock:
            receivers = self._receivers.get(channel, ())
            self._receivers[channel] = (*receivers, receiver)
            return not receivers

    def remove(self, channel: str, receiver: Receiver) -> bool:
        """Remove a receiver; return True if its channel has no other."""
        with self._lock:
            left = list(self._receivers.pop(channel, ()))
            left.remove(receiver)
            if left:
                self._receivers[channel] = tuple(left)
            return not left

    def wait_for_room(self) -> None:
        """Wait until the event loops of this process have room for a message."""
        for state in list(servers.running):
            state.calls.wait_for_room()

    def deliver(self, channel: str, arrival: Arrival, emission: Emission) -> None:
        """Queue a message for the clients of this process.

        Messages have one order on all event loops only if the caller makes one call at a time.
        """
        receivers = self._receivers.get(channel, ())
        states = list(servers.running) if receivers else []
        emission.expect(len(states))
        for state in states:
            call = partial(_receive, receivers, arrival, emission)
            try:
                state.calls.put(call, arrival.message.size)
            except RuntimeError:  # its loop is closed, and so are its clients
                emission.count()


def _receive(receivers: tuple[Receiver, ...], arrival: Arrival, emission: Emission) -> None:
    try:
        for receiver in receivers:
            receiver(arrival)
    finally:
        emission.count()
