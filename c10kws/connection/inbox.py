"""``Inbox``: messages that have come and that the handler has not read yet."""

from __future__ import annotations

import asyncio

from ..protocol.messages import Message, size_of
from .cork import Cork
from .waiter import Waiter

#: Messages that wait to be read: a second limit next to the bytes, since an empty message weighs
#: nothing on the wire and 50 bytes here.
MAX_INBOX = 1024
#: The messages of an inbox that waits for the first: never changed, one for all.
EMPTY: list[Message] = []


class Inbox:
    """A queue for one reader; TCP holds the client back while there is too much in it.

    ``messages`` has the newest first, so that the oldest is popped from the end. A reader that
    finds it empty awaits the ``waiter``. While ``observed`` is True it calls ``Connection.take``
    instead of popping: reading is ``paused``, or the connection has ended. ``received`` counts the
    messages so far.
    """

    __slots__ = (
        "_cork",
        "messages",
        "observed",
        "paused",
        "received",
        "waiter",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, cork: Cork) -> None:
        self._cork = cork  # has the transport
        self.waiter = Waiter(loop)
        self.messages = EMPTY
        self.observed = False
        self.paused = False
        self.received = 0

    def put(self, messages: list[Message]) -> None:
        """Add messages, the oldest first, and keep the list; ``waiter.wake`` must follow."""
        self.received += len(messages)
        messages.reverse()
        self.messages = messages + self.messages if self.messages else messages

    @property
    def full(self) -> bool:
        """True while the handler has more to read than it should."""
        messages = self.messages
        return bool(messages) and (
            len(messages) > MAX_INBOX or sum(map(size_of, messages)) > self._cork.max_queue_bytes
        )

    def take(self, *, last: bool) -> Message:
        """Return the oldest message; resume reading if it is the ``last`` that has come."""
        message = self.messages.pop()
        if last and self.paused and not self.messages:
            self.resume()
        return message

    def take_some(self, limit: int) -> list[Message]:
        """Return the oldest messages, at most ``limit``, while the inbox is not ``observed``."""
        taken = self.messages[-limit:]
        del self.messages[-limit:]
        taken.reverse()
        return taken

    # Reading

    def hold_back(self, *, has_more: bool) -> None:
        """Pause reading while there is too much in the inbox, or the protocol holds more."""
        transport = self._cork.transport
        if transport is None or self.paused or self._cork.ended:
            return
        if has_more or self.full:
            self.paused = self.observed = True
            transport.pause_reading()

    def resume(self) -> None:
        """Resume reading."""
        transport = self._cork.transport
        self.paused = False
        self.observed = self._cork.ended
        if transport is not None and not transport.is_closing():
            transport.resume_reading()

    def end(self) -> None:
        """Resume the reader, since the connection has ended."""
        self.observed = True
        self.waiter.wake()
