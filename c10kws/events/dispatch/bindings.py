"""``Bindings``: the callbacks of an EventSocket, by event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...views.signatures import takes
from ..clients.socket import Socket
from ..exceptions import EventAlreadyBound, NotCallableError
from ..frames.envelope import RESERVED_PREFIX
from .callback import Callback

#: Function that authorises joins: ``(socket, room) -> bool``, sync or async.
Authorise = Callable[[Socket, str], Any]
#: Events that a client may not send, but that callbacks may be bound to: the server calls them.
CALLED_BY_SERVER = frozenset({"open", "close"})


class Bindings:
    """Functions bound to events. Clients may not send the events in ``life_cycle``."""

    def __init__(self, path: str, life_cycle: frozenset[str]) -> None:
        self.life_cycle = life_cycle
        self.authorise: Authorise | None = None
        self._path = path
        self._callbacks: dict[str, Callback] = {}

    def bind(self, event: str, function: Callable[..., Any]) -> None:
        """Bind a function to an event. Raises as :meth:`EventSocket.on` does."""
        callback = Callback(function)
        if event.startswith(RESERVED_PREFIX) or event in self.life_cycle - CALLED_BY_SERVER:
            raise ValueError(
                f"Cannot bind a callback to {event!r}: the name is reserved, and no client may "
                "send it. Choose another name."
            )
        if self._callbacks.setdefault(event, callback) is not callback:
            raise EventAlreadyBound(event, self._path)

    def bind_authorise(self, function: Authorise) -> None:
        """Use a function to authorise joins. Raises as :meth:`EventSocket.may_join` does."""
        if not callable(function):
            raise NotCallableError(function)
        if not takes(function, "socket", "room"):
            name = getattr(function, "__name__", function)
            raise TypeError(f"{name!r} must take two arguments: the socket and the name of a room.")
        self.authorise = function

    def find(self, event: str) -> Callback | None:
        """Return the callback of an event."""
        return self._callbacks.get(event)

    def functions(self) -> dict[str, Callable[..., Any]]:
        """Return the functions by event; a copy."""
        return {event: callback.function for event, callback in self._callbacks.items()}
