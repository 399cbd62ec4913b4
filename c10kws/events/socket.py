"""``Socket``: one client of an EventSocket, as its callbacks see it."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Generator, Mapping
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from .. import conf
from ..connection.outbox import weigh
from ..connection.watchdog import MAX_LATE_USES, current
from ..connection.websocket import WebSocket
from ..exceptions import ConnectionClosed
from . import outgoing, pace
from .backlog import Backlog, BacklogFull
from .commit import after_commit
from .envelope import SUBPROTOCOL, error_data, is_final

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

    from .endpoint import EventSocket

logger = logging.getLogger("c10kws.events")


class Socket:
    """A connected client. Hashable by identity; serialized to JSON as its ``id``.

    ``kwargs`` are the arguments of the URL, ``state`` is for the application's own data. While
    ``opening`` is True ``open`` has not returned: the client is not a member yet, and events
    for it are held.
    """

    #: For subclasses: the exception that ``emit`` raises when the connection has ended.
    closed_error: type[ConnectionClosed] = ConnectionClosed
    opening = False
    _backlog: Backlog | None = None
    _late_uses = 0  # of its callbacks, after the end
    _ahead = 0  # emitted by its callbacks' threads since one has waited

    def __init__(self, endpoint: EventSocket, websocket: WebSocket, kwargs: Mapping[str, Any]):
        self.id = secrets.token_urlsafe(12)
        self.endpoint = endpoint
        self.connection = websocket
        self.kwargs = dict(kwargs)
        self.state = SimpleNamespace()
        self.version = 1 if websocket.subprotocol == SUBPROTOCOL else 0
        if self.version >= 1 and not self.closed:
            websocket.farewell = self._say_bye

    def __repr__(self) -> str:
        return f"<Socket {self.id} of {self.endpoint.path}>"

    @property
    def websocket(self) -> WebSocket:
        """The connection, as ``@websocket`` has it."""
        return self.connection

    @property
    def request(self) -> HttpRequest:
        """The request of the handshake."""
        return self.connection.request

    @property
    def user(self) -> User | AnonymousUser:
        """The user who was logged in at the handshake."""
        return self.connection.user

    @property
    def session(self) -> Any:
        """The session of the handshake. What is changed in it must be saved: ``session.save()``."""
        return self.request.session

    @property
    def closed(self) -> bool:
        """True when nothing can be sent any more."""
        return self.connection.closed

    # Sending

    def emit(
        self,
        event: str,
        data: outgoing.Data = None,
        *,
        on_commit: bool = True,
        using: str | None = None,
    ) -> Awaitable[None]:
        """Send an event to this client, from any thread.

        In a sync callback of this client it waits while the client reads slowly, at most
        SEND_TIMEOUT.

        ``data`` is a dictionary, or a str that becomes ``{"message": …}``. The result may be
        ignored; awaited, it waits while the client reads slowly. Inside of ``transaction.atomic()``
        the event waits for the commit, of the database ``using``, unless ``on_commit`` is False.

        Raises :exc:`ConnectionClosed` when the connection has ended, :exc:`InvalidInstanceError`
        for other data, TypeError and ValueError for data that is not JSON-serializable.
        """
        text = outgoing.encode_event(event, data, refused=self.endpoint.never_emitted)
        self._check_open()
        if on_commit and after_commit(lambda: self._send_late(text), using):
            return _Later()
        try:
            return self._send(text)
        except ConnectionClosed:  # while it waited for the client
            raise self._closed() from None

    def _send_late(self, text: str) -> None:
        """Send where the client may have left: after a transaction, or as an answer."""
        if not self.closed:
            with suppress(ConnectionClosed):
                self._send(text)

    def _send(self, text: str) -> Awaitable[None]:
        backlog = self._backlog  # the loop's thread may take it away
        if backlog is not None and backlog.put(text, own=True):
            return _Later()
        sent = self.connection.write_message(text)
        if pace.is_own(self):
            self._ahead += weigh(text)
            if self._ahead > conf.current().max_queue_bytes // pace.SHARE:
                self._ahead = 0
                pace.wait_for_client(sent)
        return sent

    def _check_open(self) -> None:
        if self.closed and not self.opening:
            raise self._closed()

    def _closed(self) -> ConnectionClosed:
        """Return the error for a use after the end.

        Raises CancelledError instead when one of its own callbacks gets too many of them. This ends
        a loop around ``except Exception``, which would block the event loop, or a thread, for ever:
        an emit that raises at once does not yield to other tasks.
        """
        if current.get() is self.connection:
            self._late_uses += 1
            if self._late_uses > MAX_LATE_USES:
                raise asyncio.CancelledError(
                    f"The callback used its connection {MAX_LATE_USES} times after the end. "
                    "Let ConnectionClosed end its loop."
                )
        code, reason = self.connection.close_code, self.connection.close_reason
        return self.closed_error(code or 1006, reason or "", self.connection)

    def write(self, event: str, data: object, **extra: int | str) -> None:
        """Send a frame of the protocol itself; skip a disconnected client."""
        if not self.closed:
            self._send_late(outgoing.encode(event, data, **extra))

    def write_error(
        self,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        *,
        warning: str = "",
        re: int | str | None = None,
    ) -> None:
        """Send an error about one of the client's frames; version 0 knows only ``warning``."""
        if self.version == 0:
            self.write("warning", {"message": warning or message or code})
        else:
            extra = {} if re is None else {"re": re}
            self.write("ws:error", error_data(code, message, details or {}), **extra)

    # While ``open`` runs

    def hold(self) -> None:
        """Hold events for the client from now on."""
        self.opening = True
        self._backlog = Backlog(conf.current().max_queue_bytes)

    def hold_broadcast(self, text: str) -> bool | None:
        """Hold a broadcast. Return True if there was room, False if not, None if not holding."""
        backlog = self._backlog
        try:
            return True if backlog is not None and backlog.put(text, own=False) else None
        except BacklogFull as error:
            self.connection.dropped += 1
            if conf.current().slow_client != "drop":
                path = self.endpoint.path
                logger.warning("%s: closing a client whose 'open' runs: %s", path, error)
                self.close(1013, "too slow")
            return False

    def release(self, hello: str | None) -> None:
        """Send ``hello`` and the held frames."""
        if self._backlog is not None:
            self._backlog.release(self.connection.write_message, hello)
            self._backlog = None

    def discard(self) -> None:
        """Drop the held frames."""
        if self._backlog is not None:
            self._backlog.drop()

    # Rooms

    def join(self, room: str) -> None:
        """Enter a room of this EventSocket, until ``leave`` or the end of the connection.

        In ``open`` it becomes a member when ``open`` returns.
        """
        self._check_open()
        self.endpoint.rooms.join(room, self)
        if (
            self not in self.endpoint and not self.opening
        ):  # its end has come, and it has left all rooms
            self.endpoint.rooms.leave(room, self)

    def leave(self, room: str) -> None:
        """Leave a room."""
        self.endpoint.rooms.leave(room, self)

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that it is in."""
        return self.endpoint.rooms.of(self)

    # The end

    def close(
        self,
        code: int = 1000,
        reason: str = "",
        *,
        reconnect: bool | None = None,
        retry_after: float | None = None,
    ) -> Awaitable[None]:
        """End the connection, with a ``ws:bye`` before it for clients of version 1.

        ``reconnect`` tells the client to reconnect or not, which else depends on the code;
        ``retry_after`` is the delay in seconds. Called in ``open`` it refuses the client, which
        then receives events that were emitted to it alone, and no broadcast.
        """
        if self._backlog is not None:
            self._backlog.drop(self.connection.write_message)
        if self.version >= 1 and not self.closed:
            self.connection.farewell = partial(
                self._say_bye, reconnect=reconnect, retry_after=retry_after
            )
        return self.connection.close(code, reason)

    def _say_bye(
        self,
        code: int,
        reason: str,
        reconnect: bool | None = None,
        retry_after: float | None = None,
    ) -> None:
        again = not is_final(code) if reconnect is None else reconnect
        bye = {"code": code, "reason": reason, "reconnect": again, "retry_after": retry_after}
        self.connection.write_message(outgoing.encode("ws:bye", bye))


class _Later:
    """Returned by an emit that waits for a commit; awaiting it does not wait."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield
