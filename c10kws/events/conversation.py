"""One client's events, one after another.

A callback starts when the one before it has ended, sync or async. What came before the Close is
handled; ``close`` is the last. Sync callbacks run in a thread: a job handles what has come, at most
``MAX_EVENTS`` events or ``MAX_SECONDS``, then others get the thread.

When the client has left, each turn has HANDLER_TIMEOUT. Then an async callback is cancelled, a sync
one is awaited, and what is left is not handled.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied

from .. import conf
from ..connection import WebSocket
from ..exceptions import ConnectionClosed
from ..message import Message
from . import outgoing, system
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
#: Bad frames beyond the good ones after which a client is closed with 4400.
PATIENCE = 32
FORBIDDEN = 4403

Event = tuple[Callback, Frame]
#: What a callback may raise without harm to others; sys.exit() ends no server.
CAUGHT = (Exception, SystemExit)


class Conversation:
    """The life of one connection; ``run`` is its handler."""

    def __init__(self, endpoint: EventSocket, socket: Socket) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._messages: deque[Message] = deque()
        self._next: Event | None = None  # decoded by a job that could not call it
        self._bad = 0
        self._left_behind = False  # a thread is still at work for it

    async def run(self) -> None:
        """Open, handle events until the client has left, close."""
        websocket = self._socket.connection
        if self._socket.version >= 1:
            self._socket.write("ws:hello", _hello(self._socket))
        self._endpoint.enter(self._socket)
        try:
            if not await self._open():
                return
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
        else:
            await self._call_close()

    # The life cycle

    async def _open(self) -> bool:
        """Call ``open``; what it raises refuses the client."""
        try:
            self._endpoint.greet(self._socket)
            await self._call("open")
        except ConnectionClosed as error:
            if error.websocket is not self._socket.connection:
                raise
            # It has left already; what it sent before is handled all the same.
        except (EventError, PermissionDenied) as error:
            reason = getattr(error, "message", "") or str(error) or "forbidden"
            self._socket.close(FORBIDDEN, _cut(reason), reconnect=False)
            return False
        except CAUGHT:
            logger.exception("%s: the callback 'open' failed", self._endpoint.path)
            self._socket.close(FORBIDDEN, "refused", reconnect=False)
            return False
        return True

    async def _call_close(self) -> None:
        try:
            await self._call("close")
        except ConnectionClosed:
            pass  # it is what this callback is about
        except CAUGHT:
            logger.exception("%s: the callback 'close' failed", self._endpoint.path)

    async def _call(self, name: str) -> None:
        callback = self._endpoint.callback(name)
        if callback is None:
            return
        offered = self._offer({})
        if callback.is_async:
            await callback.call(offered)
        else:
            await self._in_thread(callback.call, offered)

    async def _in_thread(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a sync function. Who cuts it off waits for its end; who does so again does not."""
        job = Job(function, *arguments)
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
                self._answer(frame, callback.call(self._offer(frame.data)))
            except CAUGHT as error:
                self._fail(frame, error)

    async def _call_async(self, callback: Callback, frame: Frame) -> None:
        try:
            self._answer(frame, await callback.call(self._offer(frame.data)))
        except CAUGHT as error:
            self._fail(frame, error)

    def _take(self) -> Event | None:
        """Return the next event that somebody handles; None when nothing is left."""
        if self._next is not None:
            event, self._next = self._next, None
            return event
        while self._messages:
            try:
                found = self._find(decode(self._messages.popleft(), self._socket.version))
            except BadFrame as error:
                self._refuse(error)
            else:
                self._bad = max(self._bad - 1, 0)
                if found is not None:
                    return found
        return None

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

    # Answers

    def _answer(self, frame: Frame, result: Any) -> None:
        if frame.id is not None and self._socket.version >= 1:
            data = outgoing.as_object(result) if result is None else result
            self._socket.write("ws:reply", data, re=frame.id)

    def _refuse(self, error: BadFrame) -> None:
        self._bad += 1
        if self._bad > PATIENCE:
            self._messages.clear()
            self._socket.close(4400, "too many bad frames", reconnect=False)
            return
        self._socket.write_error(error.code, error.message, warning=error.warning, re=error.re)

    def _fail(self, frame: Frame, error: BaseException) -> None:
        if isinstance(error, ConnectionClosed) and error.websocket is self._socket.connection:
            return  # the client has left: nobody waits for the answer
        if isinstance(error, EventError):
            try:
                self._socket.write_error(error.code, error.message, error.details, re=frame.id)
                return
            except Exception as unspeakable:  # JSON cannot say its details
                error = unspeakable
        logger.error(
            "%s: the callback of %r failed", self._endpoint.path, frame.event, exc_info=error
        )
        details = {"traceback": traceback.format_exception(error)} if settings.DEBUG else {}
        self._socket.write_error("internal", "internal error", details, re=frame.id)


def _go_on(websocket: WebSocket) -> None:
    """Something was handled: HANDLER_TIMEOUT begins anew."""
    task = asyncio.current_task()
    if websocket.closed and task is not None:
        websocket.cancel_when_over(task)


def _hello(socket: Socket) -> dict[str, Any]:
    current = conf.current()
    return {
        "sid": socket.id,
        "ping": current.ping_interval,
        "max": current.max_message_size,
        "v": 1,
    }


def _cut(reason: str) -> str:
    """Return what a Close has room for (RFC 6455 §5.5): 123 bytes."""
    return reason.encode()[:123].decode(errors="ignore")
