"""``EventSocket``: an endpoint of events, which is a view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from types import MappingProxyType
from typing import Any, TypeVar, overload

from django.http import HttpRequest, HttpResponse

from ..connection.websocket import WebSocket
from ..views.decorator import make_view
from ..views.options import RateOption, WebSocketOptions
from ..views.origins import Origins
from . import paths
from .brokers.channels import members_of, room_of
from .brokers.emission import Emission
from .brokers.registry import DEFAULT
from .clients.members import Members
from .clients.socket import Socket
from .decorators import Decorator, decorated
from .dispatch.bindings import Bindings
from .dispatch.conversation import Conversation
from .dispatch.failure_log import FailureLog
from .dispatch.received_data import ReceivedData
from .emitting.audience import Audience
from .emitting.audiences import Audiences
from .emitting.delivery import Delivery
from .emitting.emitter import Emitter, Exclude
from .emitting.following import Following
from .emitting.room import Room
from .emitting.without_server import WithoutServer
from .exceptions import NotCallableError
from .frames.envelope import CONNECTION_EVENTS, LIFE_CYCLE, SUBPROTOCOL
from .frames.serialization import EventData
from .rooms import signed_names
from .rooms.history_rules import HistoryRules, Rules
from .rooms.rooms import Rooms
from .source_line import calling_line

F = TypeVar("F", bound=Callable[..., Any])
#: The argument of ``@chat.on()``, which has none.
MISSING: Any = object()


class EventSocket:
    """An endpoint that clients send events to, and that sends events to them.

    ``include("c10kws.events.urls")`` in the URLconf serves all EventSockets, except those with
    ``add_to_handlers=False``. An EventSocket is also a view, for a URL of its own. ``decorators``
    are decorators of views, such as ``login_required``. ``origins``, ``rate`` and ``byte_rate``
    are the arguments of ``@websocket``. ``broker`` is an alias of the setting BROKERS. ``history``
    are rooms that keep their last messages, in addition to those of the setting HISTORY and in the
    same form. ``context`` is passed to callbacks with a parameter ``self``.

    Raises :exc:`PathAlreadyUsed` if another EventSocket has the same path, and ValueError for a
    ``history`` that is not valid.
    """

    #: Read by Django: the view refuses a POST, and a GET is not checked.
    csrf_exempt = True
    #: Read by templates, which would call the object in ``{{ bar.value }}``.
    do_not_call_in_templates = True
    #: For subclasses: the classes of a callback's ``socket`` and ``data``.
    socket_class: type[Socket] = Socket
    data_class: Callable[[dict[str, Any]], dict[str, Any]] = ReceivedData
    #: For subclasses: True to have ``greet`` called.
    greets = False
    #: For subclasses: overrides the setting EMIT_WITHOUT_SERVER.
    without_server: str | None = None
    #: For subclasses: events that no client may send. ``open`` and ``close`` must be among them.
    life_cycle: frozenset[str] = LIFE_CYCLE
    #: For subclasses: events that the server may not emit, since the JavaScript client has its own.
    never_emitted: frozenset[str] = CONNECTION_EVENTS

    def __init__(
        self,
        path: str,
        add_to_handlers: bool = True,
        *,
        decorators: Sequence[Decorator] = (),
        origins: Origins = None,
        rate: RateOption = None,
        byte_rate: RateOption = None,
        broker: str = DEFAULT,
        history: Rules = MappingProxyType({}),
    ) -> None:
        self.path = "/" + path.strip("/")
        self.add_to_handlers = add_to_handlers
        self.context: Any = None
        self.defined_at = calling_line()
        self.bindings = Bindings(self.path, self.life_cycle)
        self.failures = FailureLog(self.path)
        self.rooms: Rooms[Socket] = Rooms(self._open_room, self._close_room)
        self.members = Members(self.rooms, self._open, self._close)
        self.delivery = Delivery(self.members)
        self.history = HistoryRules(history)
        self.audiences = Audiences(broker, self.delivery)
        self.following = Following(self._open_room, self._close_room, self.audience_of)
        policy = WithoutServer(self.path, self.without_server)
        self.emitter = Emitter(self.path, broker, self.history, policy, self.never_emitted)
        self.websocket_options = WebSocketOptions(
            subprotocols=[SUBPROTOCOL], origins=origins, rate=rate, byte_rate=byte_rate
        )
        view = make_view(self._serve, self.websocket_options, self)
        self._view = decorated(view, decorators)
        paths.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} of {self.defined_at}>"

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer a request, as any view."""
        return self._view(request, *args, **kwargs)

    # Receiving

    @overload
    def on(self, callback: F, /) -> F: ...
    @overload
    def on(self, name: str, /) -> Callable[[F], F]: ...
    def on(self, thing: Any = MISSING, /) -> Any:
        """Bind a function to the event of its name, or of the given name; a decorator.

        The function, sync or ``async def``, gets arguments by the names of its parameters:
        ``socket``, ``data``, ``self``. ``open`` and ``close`` are called when a client connects and
        disconnects; an exception in ``open`` refuses the client. The return value answers a
        request. An exception answers it with an error; :exc:`EventError` has its code and message.

        Raises :exc:`NotCallableError`, :exc:`EventAlreadyBound`, TypeError for an unsupported
        parameter, ValueError for a name that no client may send.
        """
        if thing is MISSING:
            raise TypeError('The event is missing. Write @on or @on("name"), not @on().')
        if isinstance(thing, str):
            return lambda function: self._bind(thing, function)
        if not callable(thing):
            raise NotCallableError(thing)
        return self._bind(getattr(thing, "__name__", type(thing).__name__), thing)

    def _bind(self, event: str, function: F) -> F:
        self.bindings.bind(event, function)
        return function

    def may_join(self, function: F = MISSING, /) -> F:
        """Use ``function(socket, room) -> bool``, sync or async, to authorise joins; a decorator.

        It is not called for names that :meth:`sign_room` has signed. Without such a function
        clients can join only those.

        Raises :exc:`NotCallableError`, TypeError for a function with other parameters.
        """
        if function is MISSING:
            raise TypeError("The function is missing. Write @may_join, not @may_join().")
        self.bindings.bind_authorise(function)
        return function

    def sign_room(
        self, room: str, user: Any = None, max_age: float | timedelta | None = None
    ) -> str:
        """Return a name with which a client of this EventSocket may join ``room``.

        With ``user`` the client must be logged in as this user. After ``max_age`` (seconds, or a
        timedelta) the name is refused. A client joins again after each reconnect.

        Raises ValueError for a room whose signed name would be too long, for a user without a
        primary key and for a ``max_age`` that is not above 0, :exc:`InvalidInstanceError` for a
        room that is not a str.
        """
        return signed_names.sign(room, self.path, user, max_age)

    async def _serve(self, websocket: WebSocket, /, *args: Any, **kwargs: Any) -> None:
        await Conversation(self, self.socket_class(self, websocket, kwargs)).run()

    # Clients

    @property
    def sockets(self) -> list[Socket]:
        """The clients, oldest first."""
        return self.members.all()

    def __len__(self) -> int:
        return len(self.members)

    def __bool__(self) -> bool:
        """An endpoint is truthy even with no clients."""
        return True

    def __iter__(self) -> Iterator[Socket]:
        return iter(self.sockets)

    def __contains__(self, socket: object) -> bool:
        return socket in self.members

    def __getitem__(self, index: int) -> Socket:
        return self.sockets[index]

    async def greet(self, socket: Socket) -> None:
        """Send the state to a new client, before ``open`` is called."""

    def leave(self, socket: Socket) -> None:
        """Remove a client that has disconnected, or that ``open`` has refused."""
        self.members.leave(socket)

    # Channels, which are open while this process has clients or long polls in them

    async def confirm(self) -> None:
        """Wait until the broker has confirmed that events for all clients arrive here."""
        audience = self.audiences.find(members_of(self.path))
        if audience is not None:
            await audience.confirm()

    def audience_of(self, room: str) -> Audience | None:
        """Return the audience of a room in this process; None if it has none."""
        return self.audiences.find(room_of(self.path, room))

    def _open(self) -> None:
        self.audiences.open(members_of(self.path), self.members.listeners)

    def _close(self) -> None:
        self.audiences.close(members_of(self.path))

    def _open_room(self, room: str) -> None:
        clients = partial(self.rooms.listeners, room)
        limits = self.history.limits_of(room)
        self.audiences.open(room_of(self.path, room), clients, room, limits)

    def _close_room(self, room: str) -> None:
        self.audiences.close(room_of(self.path, room))

    # Sending

    @property
    def delivered(self) -> int:
        """Number of messages that were queued for clients, counted once per client."""
        return self.delivery.delivered

    @property
    def dropped(self) -> int:
        """Number of messages that were not queued, because the client was closed or too slow."""
        return self.delivery.dropped

    def emit(
        self,
        event: str,
        data: EventData = None,
        *,
        exclude: Exclude = (),
        on_commit: bool = True,
        using: str | None = None,
    ) -> Emission:
        """Send an event to all clients except ``exclude``, whichever process they are connected to.

        It is encoded and framed once. Disconnected clients are skipped; ``delivered`` and
        ``dropped`` count. See :meth:`Socket.emit` for ``data``, ``on_commit`` and ``using``. The
        result may be ignored; when it is awaited, the event has been written to the clients of
        this process.

        In a process that is not serving, it waits for the broker (:exc:`BrokerUnavailable`). If
        the broker reaches only one process, EMIT_WITHOUT_SERVER decides (:exc:`EmitHandlerError`).

        Raises :exc:`InvalidInstanceError` for other data, TypeError and ValueError for data that
        is not JSON-serializable.
        """
        return self.emitter.emit(None, event, data, exclude, on_commit, using)

    def to(self, room: str) -> Room:
        """Return a room, to ``emit`` to or to ``wait`` for."""
        return Room(self.emitter, self.following, room)
