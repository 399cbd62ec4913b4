"""``Dispatcher``: the messages of one client to the callbacks of their events, in order.

A callback starts when the one before it has ended, sync or async. Sync callbacks run in a thread.
One turn of the thread handles at most ``MAX_EVENTS`` events or ``MAX_SECONDS``; then the thread is
free for other clients.
"""

from __future__ import annotations

import time
from typing import Any, Protocol

from ...interrupts import is_ctrl_c, must_pass
from ...protocol.messages import Message
from ..clients.socket import Socket
from ..frames.envelope import NOT_BOUND, RESERVED_PREFIX, BadFrame, Frame, decode
from . import reserved_events
from .bindings import Bindings
from .callback import Callback
from .failure_log import FailureLog
from .replies import Replies
from .thread_calls import ThreadCalls

MAX_EVENTS = 32
MAX_SECONDS = 0.05

Event = tuple[Callback, Frame]


class CallbackOwner(Protocol):
    """The parts of an EventSocket that handle events."""

    bindings: Bindings
    failures: FailureLog

    def arguments(self, socket: Socket, data: dict[str, Any]) -> dict[str, Any]: ...


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
        self._messages: list[Message] = []  # an empty deque takes 600 bytes
        self._next: Event | None = None  # decoded in a thread, for a later turn

    def add(self, message: Message) -> None:
        """Queue a message."""
        self._messages.append(message)

    @property
    def is_full(self) -> bool:
        """True when enough messages are queued for one turn."""
        return len(self._messages) >= MAX_EVENTS

    @property
    def unhandled(self) -> int:
        """Number of queued messages."""
        return len(self._messages) + (self._next is not None)

    async def handle_some(self) -> bool:
        """Call an async callback, or sync ones for one turn. Return False when none is left."""
        event = self._take()
        if event is None:
            return False
        callback, frame = event
        if callback.is_async:
            await self._call_async(callback, frame)
        else:
            self._next = event
            await self.threads.call(self._handle_in_thread)
        return True

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
                self.replies.reply(frame, callback.call(self._arguments(frame)))
            except BaseException as error:
                if is_ctrl_c(error):
                    raise
                self.replies.fail(frame, error)

    async def _call_async(self, callback: Callback, frame: Frame) -> None:
        try:
            self.replies.reply(frame, await callback.call(self._arguments(frame)))
        except BaseException as error:
            if must_pass(error):
                raise
            self.replies.fail(frame, error)

    def _arguments(self, frame: Frame) -> dict[str, Any]:
        return self._endpoint.arguments(self._socket, frame.data)

    def _take(self) -> Event | None:
        """Return the next event with a callback; None when no message is left."""
        if self._next is not None:
            event, self._next = self._next, None
            return event
        while self._messages:
            try:
                found = self._find(self._decode(self._messages.pop(0)))
            except BadFrame as error:
                if not self.replies.refuse_frame(error):
                    self._messages.clear()
            else:
                self.replies.accept_frame()
                if found is not None:
                    return found
        return None

    def _decode(self, message: Message) -> Frame:
        return decode(message, self._socket.version, self._bindings.life_cycle)

    def _find(self, frame: Frame) -> Event | None:
        """Return the callback of a frame; None for one of the protocol that is answered."""
        if self._socket.version >= 1 and frame.event.startswith(RESERVED_PREFIX):
            callback = reserved_events.find(frame, self._bindings.authorise, self.replies)
            return None if callback is None else (callback, frame)
        callback = self._bindings.find(frame.event)
        if callback is None:
            text = f"no callback is bound to {frame.event!r}"
            raise BadFrame("unknown_event", text, NOT_BOUND, frame.id)
        return callback, frame
