"""One client's events, one after another.

``open`` is the first. When it has returned the client is a member and gets ``ws:hello``, then what
was emitted to it meanwhile. A callback starts when the one before it has ended, sync or async. What
came before the Close is handled; ``close`` is the last, where ``open`` has returned. Sync callbacks
run in a thread: a job handles what has come, at most ``MAX_EVENTS`` events or ``MAX_SECONDS``, then
others get the thread.

When the client has left, each turn has HANDLER_TIMEOUT. Then an async callback is cancelled, a sync
one is awaited, and what is left is not handled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied

from ..connection.websocket import WebSocket
from ..exceptions import ConnectionClosed
from ..interrupts import is_ctrl_c, must_pass
from ..protocol.messages import Message
from . import pace, system
from .answers import Answers
from .callbacks import Callback
from .envelope import NOT_BOUND, RESERVED_PREFIX, BadFrame, Frame, decode
from .exceptions import EventError
from .jobs import Job
from .socket import Socket

if TYPE_CHECKING:
    from .endpoint import EventSocket

logger = logging.getLogger("c10kws.events")

MAX_EVENTS = 32
MAX_SECONDS = 0.05

Event = tuple[Callback, Frame]


class Conversation:
    """The life of one connection; ``run`` is its handler."""

    def __init__(self, endpoint: EventSocket, socket: Socket) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._messages: deque[Message] = deque()
        self._next: Event | None = None  # decoded by a job that could not call it
        self._answers = Answers(endpoint, socket)
        self._opened = False  # ``open`` has returned
        self._left_behind = False  # a thread is still at work for it

    async def run(self) -> None:
        """Open, handle events until the client has left, close."""
        websocket = self._socket.connection
        self._endpoint.begin(self._socket)
        try:
            if not await self._open():
                return
            self._answers.welcome()  # first: a broadcast of another thread must not overtake it
            self._endpoint.enter(self._socket)
            async for message in websocket:
                self._messages.append(message)
                while websocket.pending and len(self._messages) < MAX_EVENTS:
                    self._messages.append(await websocket.read_message())
                while await self._handle_some():
                    _go_on(websocket)
        except asyncio.CancelledError:
            left = len(self._messages) + (self._next is not None) + websocket.pending
            logger.warning("%s: cut off with %d events not handled", self._endpoint.path, left)
            raise
        finally:
            self._endpoint.leave(self._socket)
            await self._end()

    async def _end(self) -> None:
        """Call ``close``, unless it could not be the last."""
        if self._left_behind:
            path = self._endpoint.path
            logger.warning("%s: 'close' is not called, since a callback does not end", path)
        elif self._opened:
            await self._call_close()

    # The life cycle

    async def _open(self) -> bool:
        """Call ``open``; what it raises refuses the client, which then leaves no trace."""
        try:
            if self._endpoint.greets:
                await self._in_thread(self._endpoint.greet, self._socket)
            await self._call_open()
        except (EventError, PermissionDenied) as error:
            self._answers.turn_away(getattr(error, "message", "") or str(error) or "forbidden")
        except BaseException as error:
            if must_pass(error):
                raise
            if not self._answers.is_own_end(error):
                self._endpoint.failures.log("open", error)
                self._answers.turn_away("refused")
        else:
            return True
        return False

    async def _call_open(self) -> None:
        callback = self._endpoint.callback("open")
        if callback is not None and not callback.is_async:
            await self._in_thread(self._open_in_thread, callback)
            return
        if callback is not None:
            await callback.call(self._offer({}))
        self._opened = True

    def _open_in_thread(self, callback: Callback) -> None:
        callback.call(self._offer({}))
        self._opened = True  # here: the task that waits for the thread may be cancelled meanwhile

    async def _call_close(self) -> None:
        callback = self._endpoint.callback("close")
        if callback is None:
            return
        offered = self._offer({})
        try:
            if callback.is_async:
                await callback.call(offered)
            else:
                await self._in_thread(callback.call, offered)
        except ConnectionClosed:
            pass  # it is what this callback is about
        except BaseException as error:
            if must_pass(error):
                raise
            self._endpoint.failures.log("close", error)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a sync function. Who cuts it off waits for its end; who does so again does not."""
        job = Job(pace.call_for, self._socket, function, *arguments)
        try:
            await job.run()
        except asyncio.CancelledError:
            self._left_behind = True
            await job.give_up()
            self._left_behind = False
            raise

    def _offer(self, data: dict[str, Any]) -> dict[str, Any]:
        return {
            "self": self._endpoint.context,
            "socket": self._socket,
            "data": self._endpoint.data_class(data),
        }

    # Events

    async def handle(self, message: Message) -> None:
        """Handle a message out of turn, as if the client had sent it."""
        self._messages.append(message)
        while await self._handle_some():
            pass

    async def _handle_some(self) -> bool:
        """Call an async callback, or sync ones for a while; return False when there is none."""
        event = self._take()
        if event is None:
            return False
        callback, frame = event
        if callback.is_async:
            await self._call_async(callback, frame)
        else:
            self._next = event
            await self._in_thread(self._work)
        return True

    def _work(self) -> None:
        """Call sync callbacks, in a thread, until an async one's turn or ours is over."""
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
                self._answers.reply(frame, callback.call(self._offer(frame.data)))
            except BaseException as error:
                if is_ctrl_c(error):
                    raise
                self._answers.fail(frame, error)

    async def _call_async(self, callback: Callback, frame: Frame) -> None:
        try:
            self._answers.reply(frame, await callback.call(self._offer(frame.data)))
        except BaseException as error:
            if must_pass(error):
                raise
            self._answers.fail(frame, error)

    def _take(self) -> Event | None:
        """Return the next event that somebody handles; None when nothing is left."""
        if self._next is not None:
            event, self._next = self._next, None
            return event
        while self._messages:
            try:
                found = self._find(self._decode(self._messages.popleft()))
            except BadFrame as error:
                if not self._answers.refuse(error):
                    self._messages.clear()
            else:
                self._answers.accept()
                if found is not None:
                    return found
        return None

    def _decode(self, message: Message) -> Frame:
        return decode(message, self._socket.version, self._endpoint.life_cycle)

    def _find(self, frame: Frame) -> Event | None:
        """Return who handles a frame; None for an event of the protocol, which is answered."""
        if self._socket.version >= 1 and frame.event.startswith(RESERVED_PREFIX):
            callback = system.find(self._socket, frame)
            return None if callback is None else (callback, frame)
        callback = self._endpoint.callback(frame.event)
        if callback is None:
            text = f"nothing is bound to {frame.event!r}"
            raise BadFrame("unknown_event", text, NOT_BOUND, frame.id)
        return callback, frame


def _go_on(websocket: WebSocket) -> None:
    """Restart HANDLER_TIMEOUT, since an event was handled."""
    task = asyncio.current_task()
    if websocket.closed and task is not None:
        websocket.cancel_when_over(task)
