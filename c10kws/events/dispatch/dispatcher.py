"""``Dispatcher``: the messages of one client to the callbacks of their events, in order.

A callback starts when the one before it has ended, sync or async. Sync callbacks run in a thread.
One turn of the thread handles at most ``MAX_EVENTS`` events or ``MAX_SECONDS``; then the thread is
free for other clients.
"""

from __future__ import annotations

import time
from typing import Protocol

from ...connection.websocket import connection_of
from ...interrupts import is_ctrl_c, must_pass
from ...protocol.messages import Message
from ..clients.socket import Socket
from ..frames.envelope import NOT_BOUND, RESERVED_PREFIX, BadFrame, Frame, decode
from . import reserved_events
from .bindings import Bindings
from .callback import ANSWERED, Action, ArgumentSource
from .failure_log import FailureLog
from .replies import Replies
from .thread_calls import ThreadCalls

MAX_EVENTS = 32
MAX_SECONDS = 0.05

Event = tuple[Action, Frame]


class CallbackOwner(ArgumentSource, Protocol):
    """The parts of an EventSocket that handle events."""

    bindings: Bindings
    failures: FailureLog


class Dispatcher:
    """Calls callbacks for the messages of one client, and answers them."""

    __slots__ = (
        "_bindings",
        "_endpoint",
        "_messages",
        "_next",
        "_socket",
        "replies",
        "threads",
    )

    def __init__(self, endpoint: CallbackOwner, socket: Socket) -> None:
        self.replies = Replies(socket, endpoint.failures)
        self.threads = ThreadCalls(socket)
        self._endpoint = endpoint
        self._bindings = endpoint.bindings
        self._socket = socket
        self._messages: list[Message] = []
        self._next: Event | None = None  # decoded in a thread, for a later turn

    @property
    def unhandled(self) -> int:
        """Number of messages that are not handled yet."""
        return len(self._messages) + (self._next is not None)

    async def handle(self, messages: list[Message]) -> None:
        """Call the callbacks for messages, one after another; the list is emptied."""
        self._messages = messages
        connection = connection_of(self._socket.connection)
        while (event := self._take()) is not None:
            callback, frame = event
            if callback.is_async:
                try:
                    result = await callback.call(self._endpoint, self._socket, frame.data)
                    if result is not ANSWERED:
                        self.replies.reply(frame, result)
                except BaseException as error:
                    if must_pass(error):
                        raise
                    self.replies.fail(frame, error)
            else:
                self._next = event
                await self.threads.call(self._handle_in_thread)
            if connection.closed:
                connection.handler.restart()

    def _handle_in_thread(self) -> None:
        """Call sync callbacks, until the next one is async or the turn is over."""
        end = time.monotonic() + MAX_SECONDS
        for _ in range(MAX_EVENTS):
            event = self._take()
            if event is None:
                return
            callback, frame = event
            if callback.is_async or time.monotonic() > end:
                self._next = event
                return
            try:
                result = callback.call(self._endpoint, self._socket, frame.data)
                self.replies.reply(frame, result)
            except BaseException as error:
                if is_ctrl_c(error):
                    raise
                self.replies.fail(frame, error)

    def _take(self) -> Event | None:
        """Return the next event with a callback; None when no message is left."""
        if self._next is not None:
            event, self._next = self._next, None
            return event
        while self._messages:
            try:
                found = self._find(self._messages.pop(0))
            except BadFrame as error:
                if not self.replies.refuse_frame(error):
                    self._messages.clear()
            else:
                self.replies.accept_frame()
                if found is not None:
                    return found
        return None

    def _find(self, message: Message) -> Event | None:
        """Return the callback of a message and its frame; None if it is already answered."""
        frame = decode(message, self._socket.version, self._bindings.life_cycle)
        callback = self._bindings.find(frame.event)
        if callback is not None:
            return callback, frame
        if self._socket.version >= 1 and frame.event.startswith(RESERVED_PREFIX):
            authorise = self._bindings.authorise
            action = reserved_events.find(frame, authorise, self.replies, self.threads)
            return None if action is None else (action, frame)
        text = f"no callback is bound to {frame.event!r}"
        raise BadFrame("unknown_event", text, NOT_BOUND, frame.id)
