"""``Socket``: one client of an EventSocket, as its callbacks see it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Protocol

from django.http import HttpRequest

from ...connection.watchdog import MAX_LATE_USES, current
from ...connection.websocket import WebSocket, connection_of
from ...exceptions import ConnectionClosed
from ...protocol.closing import CloseCode
from ..brokers.history import Position
from ..brokers.message import History
from ..commit import after_commit
from ..frames.envelope import SUBPROTOCOL, is_final
from ..frames.serialization import EventData, SerializedAsId, encode, encode_event
from ..rooms.rooms import Rooms
from .writer import ClientWriter, Later

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class RoomAudience(Protocol):
    """The clients of a room in this process."""

    async def confirm(self) -> bool: ...
    def hold(self, client: Socket) -> None: ...
    async def read(self, since: Position | None) -> History | None: ...
    def release(self, client: Socket, history: History | None, since: Position | None) -> None: ...


class ClientOwner(Protocol):
    """The parts of an EventSocket that its clients use."""

    path: str
    never_emitted: frozenset[str]
    rooms: Rooms[Socket]

    def __contains__(self, socket: object) -> bool: ...
    def audience_of(self, room: str) -> RoomAudience | None: ...


class Socket(SerializedAsId):
    """A connected client. Hashable by identity; serialized to JSON as its ``id``.

    ``kwargs`` are the arguments of the URL, ``state`` is for the application's own data. While
    ``opening`` is True ``open`` has not returned: the client is not a member yet, and events
    for it are held.
    """

    #: For subclasses: the exception that ``emit`` raises when the connection has ended.
    closed_error: type[ConnectionClosed] = ConnectionClosed
    opening = False
    _late_uses = 0  # by its callbacks, after the end of the connection

    def __init__(
        self, endpoint: ClientOwner, websocket: WebSocket, kwargs: Mapping[str, Any]
    ) -> None:
        self.id = secrets.token_urlsafe(12)
        self.endpoint = endpoint
        self.connection = websocket
        self.writer = ClientWriter(websocket, endpoint.path)
        self.kwargs = dict(kwargs)
        self.state = SimpleNamespace()
        self.version = 1 if websocket.subprotocol == SUBPROTOCOL else 0
        if self.version >= 1 and not self.closed:
            connection_of(websocket).farewell = self._say_bye

    def __repr__(self) -> str:
        return f"<Socket {self.id} of {self.endpoint.path}>"

    @property
    def websocket(self) -> WebSocket:
        """The connection, as a handler of ``@websocket`` gets it."""
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
        """The session of the handshake. Changes to it must be saved: ``session.save()``."""
        return self.request.session

    @property
    def closed(self) -> bool:
        """True when nothing can be sent any more."""
        return connection_of(self.connection).sender.closed_with is not None

    @property
    def encoder(self) -> str:
        """Import path of the encoder of frames: JSON_ENCODER when the client connected."""
        return connection_of(self.connection).sender.settings.json_encoder

    # Sending

    def emit(
        self,
        event: str,
        data: EventData = None,
        *,
        on_commit: bool = True,
        using: str | None = None,
    ) -> Awaitable[None]:
        """Send an event to this client, from any thread.

        In a sync callback of this client, wait while the client reads slowly, at most SEND_TIMEOUT.

        ``data`` is a dictionary, or a str that becomes ``{"message": …}``. The result may be
        ignored; awaiting it waits while the client reads slowly. Inside ``transaction.atomic()``
        the event waits for the commit, of the database ``using``, unless ``on_commit`` is False.

        Raises :exc:`~c10kws.ConnectionClosed` when the connection has ended,
        :exc:`InvalidInstanceError` for other data, TypeError and ValueError for data that is not
        JSON-serializable.
        """
        text = encode_event(event, data, refused=self.endpoint.never_emitted, encoder=self.encoder)
        self._check_open()
        if on_commit and after_commit(lambda: self.writer.write_if_open(text), using):
            return Later()
        try:
            return self.writer.write(text)
        except ConnectionClosed:  # it ended while the write waited for the client
            raise self._closed() from None

    def _check_open(self) -> None:
        if self.closed and not self.opening:
            raise self._closed()

    def _closed(self) -> ConnectionClosed:
        """Return the error for a use after the end.

        Raises CancelledError instead after too many uses by the client's own callbacks. This ends a
        loop around ``except Exception``. The loop would block the event loop, or a thread, forever,
        since an emit that raises immediately does not yield to other tasks.
        """
        if current.get() is connection_of(self.connection):
            self._late_uses += 1
            if self._late_uses > MAX_LATE_USES:
                raise asyncio.CancelledError(
                    f"The callback used its connection {MAX_LATE_USES} times after the end. "
                    "Let ConnectionClosed end its loop."
                )
        code, reason = self.connection.close_code, self.connection.close_reason
        return self.closed_error(code or CloseCode.ABNORMAL_CLOSURE, reason or "", self.connection)

    # Rooms

    def join(self, room: str) -> None:
        """Enter a room of this EventSocket, until ``leave`` or the end of the connection.

        If it is called in ``open``, it takes effect when ``open`` returns.
        """
        self._check_open()
        self.endpoint.rooms.join(room, self)
        if self not in self.endpoint and not self.opening:  # it has disconnected meanwhile
            self.endpoint.rooms.leave(room, self)

    def leave(self, room: str) -> None:
        """Leave a room."""
        self.endpoint.rooms.leave(room, self)

    @property
    def rooms(self) -> frozenset[str]:
        """The rooms that the client is in."""
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
        """Close the connection; clients of version 1 get a ``ws:bye`` before the Close.

        ``reconnect`` tells the client to reconnect or not; None leaves it to the code.
        ``retry_after`` is the delay before it reconnects, in seconds. A call in ``open`` refuses
        the client: it still gets the events that were emitted to it alone, but no broadcasts.
        """
        self.writer.drop_broadcasts()
        if self.version >= 1 and not self.closed:
            connection_of(self.connection).farewell = partial(
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
        reconnects = not is_final(code) if reconnect is None else reconnect
        bye = {"code": code, "reason": reason, "reconnect": reconnects, "retry_after": retry_after}
        self.connection.write_message(encode("ws:bye", bye))
