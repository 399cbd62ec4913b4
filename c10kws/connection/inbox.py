"""``Inbox``: messages that have come and that the handler has not read yet."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from ..protocol.messages import Message, size_of
from .cork import Cork
from .waiter import Waiter

#: Messages that wait to be read: a second limit next to the bytes, since an empty message weighs
#: nothing on the wire and 50 bytes here.
MAX_INBOX = 1024


class Source(Protocol):
    """The protocol that the messages come from."""

    has_more: bool


class Inbox:
    """A queue for one reader; TCP holds the client back while there is too much in it.

    ``messages`` has the newest first, so that the oldest is popped from the end. A reader that
    finds it empty awaits :meth:`wait`. While ``observed`` is True it calls ``Connection.take``
    instead of popping: reading is ``paused``, or the connection has ended. ``received`` counts the
    messages so far.
    """

    __slots__ = (
        "_cork",
        "_limit",
        "_source",
        "_waiter",
        "messages",
        "observed",
        "paused",
        "received",
    )

    def __init__(
        self, loop: asyncio.AbstractEventLoop, source: Source, cork: Cork, max_queue_bytes: int
    ) -> None:
        self._source = source
        self._cork = cork  # has the transport
        self._limit = max_queue_bytes
        self._waiter = Waiter(loop)
        self.messages: list[Message] = []
        self.observed = False
        self.paused = False
        self.received = 0

    def put(self, messages: list[Message]) -> None:
        """Add messages, the oldest first; ``wake`` must follow. The inbox keeps the list."""
        self.received += len(messages)
        messages.reverse()
        self.messages = messages + self.messages if self.messages else messages

    @property
    def full(self) -> bool:
        """True while the handler has more to read than it should."""
        messages = self.messages
        return bool(messages) and (
            len(messages) > MAX_INBOX or sum(map(size_of, messages)) > self._limit
        )

    # The reader

    @property
    def has_reader(self) -> bool:
        """True while a task waits for a message."""
        return self._waiter.busy

    def wait(self) -> Awaitable[None]:
        """Return what the reader awaits; it is resumed by the next ``wake``."""
        return self._waiter

    def wake(self) -> None:
        """Resume the reader, if one waits."""
        self._waiter.wake()

    def take(self) -> Message:
        """Return the oldest message; resume reading after the last one."""
        message = self.messages.pop()
        if self.paused and not self.messages and not self._source.has_more:
            self.resume()
        return message

    # Reading from the transport

    def hold_back(self) -> None:
        """Pause reading while there is too much in the inbox, or held by the protocol."""
        transport = self._cork.transport
        if transport is None or self.paused or self._cork.ended:
            return
        if self._source.has_more or self.full:
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
        self.wake()
