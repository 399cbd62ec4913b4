"""``Turns``: received data that the protocol holds, read in turns with other connections."""

from __future__ import annotations

from typing import Protocol

from ..protocol.messages import Message, size_of
from .inbox import MAX_INBOX, Inbox
from .sender import Sender

#: Held messages that one connection reads before other connections get their turn: wsproto needs
#: 40 µs for each.
MAX_TURN = 256


class HoldingConnection(Protocol):
    """A connection whose protocol holds data."""

    inbox: Inbox
    sender: Sender

    @property
    def exhausted(self) -> bool:
        """True when no message will come after those in the inbox."""

    def receive(self, messages: list[Message]) -> None:
        """Handle messages, and events of the protocol."""


class Turns:
    """Made when one call has not read all data; most connections do without.

    A read of 264 KiB may inflate to a thousand times as much. Nothing newer is read meanwhile.
    """

    __slots__ = ("_connection", "_due")

    def __init__(self, connection: HoldingConnection) -> None:
        self._connection = connection
        self._due = False  # the loop is asked for a turn

    def begin(self) -> None:
        """Receive what the protocol holds; ask for another turn if there is room for the rest."""
        if self._fill():
            self.ask()

    def ask(self) -> None:
        """Ask the loop for a turn."""
        if not self._due:
            self._due = True
            self._connection.sender.loop_state.loop.call_soon(self._take)

    def _take(self) -> None:
        self._due = False
        inbox, sender = self._connection.inbox, self._connection.sender
        protocol, cork = sender.protocol, sender.cork
        cork.flush_follows = True
        try:
            self.begin()
        finally:
            cork.flush_follows = False
        cork.flush()
        if inbox.messages:
            inbox.hold_back(has_more=protocol.has_more)
        elif inbox.paused and not protocol.has_more:
            inbox.resume()
        if self._connection.exhausted:
            inbox.waiter.wake()  # what was held may have brought nothing more to read

    def _fill(self) -> bool:
        """Receive while there is room; return True when another turn is needed."""
        inbox, protocol = self._connection.inbox, self._connection.sender.protocol
        max_size = self._connection.sender.settings.max_queue_bytes
        size, count = 0, 0
        full = inbox.full
        while protocol.has_more and not full:
            messages = protocol.receive_data(b"")
            size += sum(map(size_of, messages))
            count += len(messages)
            self._connection.receive(messages)
            if not messages or count >= MAX_TURN or size > max_size:
                break
            full = len(inbox.messages) > MAX_INBOX
        if not protocol.has_more:
            return False
        inbox.hold_back(has_more=True)
        return not (full or inbox.full)
