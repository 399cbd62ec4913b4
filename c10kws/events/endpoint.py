"""``EventSocket``: an endpoint of events, which is a view."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar, overload

from django.http import HttpRequest, HttpResponse

from ..connection.websocket import WebSocket
from ..handlers import registry as servers
from ..views.decorator import websocket
from ..views.origins import Origins
from ..views.signatures import takes
from . import definition, outgoing, registry, signing
from .callbacks import Callback
from .commit import after_commit
from .conversation import Conversation
from .data import Data
from .decorators import Decorator, decorated
from .delivery import Delivery
from .envelope import LIFE_CYCLE, OF_THE_CONNECTION, RESERVED_PREFIX, SUBPROTOCOL
from .exceptions import EventAlreadyBound, NotCallableError
from .failures import Failures
from .rooms import Rooms
from .socket import Socket
from .system import Authorise
from .target import Target, as_set
from .unserved import Unserved

F = TypeVar("F", bound=Callable[..., Any])
#: ``@chat.on()``
MISSING: Any = object()

#: Events that the server calls by itself, and those that a client might take for its own.
OWN = frozenset({"open", "close"})


class EventSocket:
    """An endpoint that clients send events to, and that sends events to them.

    Put it into the URLconf as a view, or all of them with ``include("c10kws.events.urls")``, which
    leaves one with ``add_to_handlers=False`` out. ``decorators`` are those of views, as
    ``login_required``; ``origins`` are those of ``@websocket``. Callbacks with ``self`` among their
    parameters get ``context``.

    Raises :exc:`PathAlreadyUsed`.
    """

    #: For Django: the view refuses a POST, and a GET is not checked.
    csrf_exempt = True
    #: For templates, which would call the object in ``{{ bar.value }}``.
    do_not_call_in_templates = True
    #: For subclasses: what makes the ``socket`` and, of a frame's dict, the ``data`` of callbacks.
    socket_class: type[Socket] = Socket
    data_class: Callable[[dict[str, Any]], dict[str, Any]] = Data
    #: For subclasses: True to have ``greet`` called.
    greets = False
    #: For subclasses: overrides the setting EMIT_WITHOUT_SERVER.
    without_server: str | None = None
    #: For subclasses: events that no client may send. ``open`` and ``close`` must be among them.
    life_cycle: frozenset[str] = LIFE_CYCLE
    #: For subclasses: events that the server may not emit; they are the JavaScript client's own.
    never_emitted: frozenset[str] = OF_THE_CONNECTION

    def __init__(
        self,
        path: str,
        add_to_handlers: bool = True,
        *,
        decorators: Sequence[Decorator] = (),
        origins: Origins = None,
    ) -> None:
        self.path = "/" + path.strip("/")
        self.add_to_handlers = add_to_handlers
        self.context: Any = None
        self.rooms = Rooms()
        self.authorise: Authorise | None = None
        self._delivery = Delivery()
        self.failures = Failures(self.path)
        self._unserved = Unserved(self.path, self.without_server)
        self.origin = definition.of_the_caller()
        self._callbacks: dict[str, Callback] = {}
        self._lock = threading.Lock()
        self._handlers: dict[Socket, None] = {}
        self._opening: dict[Socket, None] = {}  # ``open`` has not returned
        view = websocket(subprotocols=[SUBPROTOCOL], origins=origins)(self._serve)
        self.websocket_options = view.websocket_options  # type: ignore[attr-defined]
        self._view = decorated(view, decorators)
        registry.add(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.path} of {self.origin}>"

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer a request, as any view."""
        return self._view(request, *args, **kwargs)

    # Receiving

    @overload
    def on(self, callback: F, /) -> F: ...
    @overload
    def on(self, name: str, /) -> Callable[[F], F]: ...
    def on(self, thing: Any = MISSING, /) -> Any:
        """Bind a function to the event of its name, or to the one that is named; a decorator.

        The function, sync or ``async def``, receives arguments by the names of its parameters:
        ``socket``, ``data``, ``self``. ``open`` and ``close`` are called when a client comes and
        goes; what ``open`` raises refuses it. What a callback returns answers a request that has
        an ``id``, what it raises answers with an error (:exc:`EventError` says which).

        Raises :exc:`NotCallableError`, :exc:`EventAlreadyBound`, TypeError for an unsupported
        parameter, ValueError for a name that no client may send.
        """
        if thing is MISSING:
            raise TypeError('the event is missing: write @on or @on("name"), not @on()')
        if isinstance(thing, str):
            return lambda function: self._bind(thing, function)
        if not callable(thing):
            raise NotCallableError(thing)
        return self._bind(getattr(thing, "__name__", type(thing).__name__), thing)

    def _bind(self, name: str, function: F) -> F:
        callback = Callback(function)
        if name.startswith(RESERVED_PREFIX) or name in self.life_cycle - OWN:
            raise ValueError(f"expected an event that a client may send, not {name!r}")
        if self._callbacks.setdefault(name, callback) is not callback:
            raise EventAlreadyBound(name, self.path)
        return function

    def callback(self, event: str) -> Callback | None:
        """Return what is bound to an event."""
        return self._callbacks.get(event)

    def may_join(self, function: F = MISSING, /) -> F:
        """Use ``function(socket, room) -> bool``, sync or async, to authorise joins; a decorator.

        It is not called for names that :meth:`sign_room` has signed. Without it a client can join
        only those.

        Raises :exc:`NotCallableError`, TypeError for a function of another shape.
        """
        if function is MISSING:
            raise TypeError("the function is missing: write @may_join, not @may_join()")
        if not callable(function):
            raise NotCallableError(function)
        if not takes(function, "socket", "room"):
            name = getattr(function, "__name__", function)
            raise TypeError(f"{name!r} must take two arguments, the socket and the name of a room")
        self.authorise = function
        return function

    def sign_room(
        self, room: str, user: Any = None, max_age: float | timedelta | None = None
    ) -> str:
        """Return a name with which a client of this EventSocket may join ``room``.

        With ``user`` the client must be logged in as this user. After ``max_age`` (seconds, or a
        timedelta) the name is refused; a client joins again after each reconnect.

        Raises ValueError for a room whose signed name would be too long, for a user without a
        primary key and for another ``max_age``, :exc:`InvalidInstanceError` for a room that is not
        a str.
        """
        return signing.sign(room, self.path, user, max_age)

    async def _serve(self, websocket: WebSocket, /, *args: Any, **kwargs: Any) -> None:
        await Conversation(self, self.socket_class(self, websocket, kwargs)).run()

    # Clients

    @property
    def handlers(self) -> list[Socket]:
        """The clients, oldest first."""
        with self._lock:
            return list(self._handlers)

    def __len__(self) -> int:
        return len(self._handlers)

    def __bool__(self) -> bool:
        """An endpoint is truthy even with no clients."""
        return True

    def __iter__(self) -> Iterator[Socket]:
        return iter(self.handlers)

    def __contains__(self, socket: object) -> bool:
        return socket in self._handlers

    def __getitem__(self, index: int) -> Socket:
        return self.handlers[index]

    def begin(self, socket: Socket) -> None:
        """Hold events for a new client until ``enter``; ``open`` is about to be called."""
        socket.hold()
        with self._lock:
            self._opening[socket] = None

    def enter(self, socket: Socket) -> None:
        """Make a client a member: ``open`` has returned."""
        with self._lock:
            self._opening.pop(socket, None)
            self._handlers[socket] = None
            socket.opening = False

    def leave(self, socket: Socket) -> None:
        """Forget a client that has left, or that ``open`` has refused."""
        with self._lock:
            self._opening.pop(socket, None)
            self._handlers.pop(socket, None)
            socket.opening = False
        self.rooms.leave_all(socket)

    def _listeners(self) -> list[Socket]:
        with self._lock:
            return [*self._handlers, *self._opening]

    def greet(self, socket: Socket) -> None:
        """Send the state to a new client; called in a thread, before ``open``."""

    # Sending

    @property
    def delivered(self) -> int:
        """Number of messages that clients took, counted once per client."""
        return self._delivery.delivered

    @property
    def dropped(self) -> int:
        """Number of messages that clients could not take."""
        return self._delivery.dropped

    def emit(
        self,
        event: str,
        data: outgoing.Data = None,
        *,
        exclude: Socket | Iterable[Socket] = (),
        on_commit: bool = True,
        using: str | None = None,
    ) -> None:
        """Send an event to every client, but for ``exclude``, from anywhere in the process.

        It is encoded and framed once. Clients that have left are skipped; ``delivered`` and
        ``dropped`` count. See :meth:`Socket.emit` for ``data``, ``on_commit`` and ``using``.

        In a process that serves nothing EMIT_WITHOUT_SERVER decides (:exc:`EmitHandlerError`).

        Raises :exc:`InvalidInstanceError` for other data, TypeError and ValueError for data that
        is not JSON-serializable.
        """
        text = outgoing.encode_event(event, data, refused=self.never_emitted)
        if not self.can_emit(event):
            return
        excluded = as_set(exclude)

        def send() -> None:
            self._send([each for each in self._listeners() if each not in excluded], text)

        if not (on_commit and after_commit(send, using)):
            send()

    def can_emit(self, event: str) -> bool:
        """Return False in a process that serves nothing, after EMIT_WITHOUT_SERVER has warned."""
        if servers.serving():
            return True
        self._unserved.handle(event)
        return False

    def to(self, room: str) -> Target:
        """Return a room, to ``emit`` to."""
        return Target(self, room)

    def send_to_room(
        self, room: str, event: str, data: outgoing.Data, excluded: set[Socket]
    ) -> Callable[[], None]:
        """Return a function that sends to who is in the room then; version 1 names the room."""
        texts = (
            outgoing.encode_event(event, data, refused=self.never_emitted),
            outgoing.encode_event(event, data, refused=self.never_emitted, room=room),
        )

        def send() -> None:
            members = [each for each in self.rooms.listeners(room) if each not in excluded]
            for version, text in enumerate(texts):
                self._send([each for each in members if each.version == version], text)

        return send

    def _send(self, sockets: list[Socket], text: str) -> None:
        if self._opening:
            waiting = {each: each.hold_broadcast(text) for each in sockets if each in self._opening}
            sockets = [each for each in sockets if waiting.get(each) is None]
            taken = list(waiting.values())
            self._delivery.count(taken.count(True), taken.count(False))
        self._delivery.send(sockets, text)
