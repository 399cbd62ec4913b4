"""``Conversation``: the life of one client, from ``open`` to ``close``.

``open`` is called first. When it has returned, the client becomes a member and gets ``ws:hello``,
then the events that were held for it. Messages that came before the Close are handled. ``close`` is
called last, if ``open`` has returned.

When the client has disconnected, each turn has HANDLER_TIMEOUT. Then an async callback is
cancelled, a sync one is awaited, and the remaining messages are not handled.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from django.core.exceptions import PermissionDenied

from ...connection.connection import Connection
from ...connection.websocket import WebSocket, connection_of
from ...exceptions import ConnectionClosed
from ...interrupts import must_pass
from ...protocol.messages import Message
from ..clients.members import Members
from ..clients.socket import Socket
from ..exceptions import EventError
from .callback import Callback
from .dispatcher import MAX_EVENTS, CallbackOwner, Dispatcher

logger = logging.getLogger("c10kws.events")


class ConversationOwner(CallbackOwner, Protocol):
    """The parts of an EventSocket that open and close its clients."""

    path: str
    greets: bool
    members: Members

    async def confirm(self) -> None: ...
    async def greet(self, socket: Socket) -> None: ...
    def leave(self, socket: Socket) -> None: ...


class Conversation:
    """The life of one client; ``run`` is the handler of its connection."""

    __slots__ = ("_dispatcher", "_endpoint", "_opened", "_replies", "_socket", "_threads")

    def __init__(self, endpoint: ConversationOwner, socket: Socket) -> None:
        self._endpoint = endpoint
        self._socket = socket
        self._dispatcher = Dispatcher(endpoint, socket)
        self._replies = self._dispatcher.replies
        self._threads = self._dispatcher.threads
        self._opened = False  # True when ``open`` has returned

    async def run(self) -> None:
        """Open, handle events until the client has disconnected, close."""
        self._endpoint.members.begin(self._socket)
        meter = connection_of(self._socket.connection).sender.protocol.meter
        if meter is not None and self._socket.version >= 1:
            meter.be_lenient(self._replies.refuse_excess)
        try:
            if await self._open():
                await self._endpoint.confirm()
                self._replies.welcome()  # before ``enter``: no broadcast may be sent before it
                self._endpoint.members.enter(self._socket)
                await self._handle_messages(self._socket.connection)
        except asyncio.CancelledError:
            left = self._dispatcher.unhandled + self._socket.connection.pending
            logger.warning(
                "%s: callback cancelled; %d events were not handled.", self._endpoint.path, left
            )
            raise
        finally:
            if meter is not None:
                meter.be_strict()  # it must not keep this client in memory
            self._endpoint.leave(self._socket)
            await self._end()

    async def _handle_messages(self, websocket: WebSocket) -> None:
        connection, handle = connection_of(websocket), self._dispatcher.handle
        async for message in websocket:
            await handle([message, *_take_pending(connection)])

    async def _end(self) -> None:
        """Call ``close``, unless another callback would still run."""
        if self._threads.abandoned:
            logger.warning(
                "%s: skipping 'close': a callback is still running.", self._endpoint.path
            )
        elif self._opened:
            await self._call_close()

    async def _open(self) -> bool:
        """Greet the client and call ``open``. If it raises, refuse the client and return False."""
        try:
            if self._endpoint.greets:
                await self._endpoint.greet(self._socket)
            await self._call_open()
        except (EventError, PermissionDenied) as error:
            self._replies.refuse_client(getattr(error, "message", "") or str(error) or "forbidden")
        except BaseException as error:
            if must_pass(error):
                raise
            if not self._replies.is_own_end(error):
                self._endpoint.failures.log("open", error, self._connection)
                self._replies.refuse_client("refused")
        else:
            return True
        return False

    async def _call_open(self) -> None:
        callback = self._endpoint.bindings.find("open")
        if callback is not None and not callback.is_async:
            await self._threads.call(self._open_in_thread, callback)
            return
        if callback is not None:
            await self._call(callback)
        self._opened = True

    def _open_in_thread(self, callback: Callback) -> None:
        self._call(callback)
        self._opened = True  # here: the task that waits for the thread may be cancelled meanwhile

    async def _call_close(self) -> None:
        callback = self._endpoint.bindings.find("close")
        if callback is None:
            return
        try:
            if callback.is_async:
                await self._call(callback)
            else:
                await self._threads.call(self._call, callback)
        except ConnectionClosed:
            pass  # nothing can be sent in ``close``
        except BaseException as error:
            if must_pass(error):
                raise
            self._endpoint.failures.log("close", error, self._connection)

    @property
    def _connection(self) -> Connection:
        return connection_of(self._socket.connection)

    def _call(self, callback: Callback) -> Any:
        return callback.call(self._endpoint, self._socket, {})


def _take_pending(connection: Connection) -> list[Message]:
    """Return the messages that can be handled together with the one before them."""
    inbox, limit = connection.inbox, MAX_EVENTS - 1
    if not inbox.observed:
        return inbox.take_some(limit)
    return [connection.take() for _ in range(min(len(inbox.messages), limit))]
