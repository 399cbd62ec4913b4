"""Exceptions of the event layer.

::

    C10kwsError
    ├── EventError                           a callback answers a request with an error
    ├── EmitHandlerError                     this process has no server and no broker
    ├── BrokerUnavailable                    the broker has not accepted an event
    ├── RolledBack                           the transaction of an event was rolled back
    ├── NoHistory                            a room keeps no history, so nothing can wait for it
    ├── NotCallableError                     the argument of ``on`` cannot be called
    ├── InvalidInstanceError (TypeError)     an argument has the wrong type
    ├── EventAlreadyBound (NameError)        the event has a callback
    └── PathAlreadyUsed                      the path has an EventSocket
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..exceptions import C10kwsError


class EventError(C10kwsError):
    """Raise this in a callback to answer the client with ``ws:error``.

    ``code`` is a lower-case word for programs (``"forbidden"``, ``"invalid"`` or one of your own),
    ``message`` a sentence for people. ``details`` must be JSON-serializable.
    """

    def __init__(
        self, code: str, message: str = "", details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(code, message, details)
        self.code = code
        self.message = message
        self.details = dict(details or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class EmitHandlerError(C10kwsError):
    """An event was emitted in a process without a server or a broker.

    It is raised only if EMIT_WITHOUT_SERVER is "raise".
    """

    def __init__(self, event: str, path: str) -> None:
        super().__init__(event, path)
        self.event = event
        self.path = path

    def __str__(self) -> str:
        return (
            f"Cannot emit {self.event!r} on {self.path!r}: this process is not serving. "
            "Configure a broker, or call emit() from a view, a callback or a thread of the server."
        )


class BrokerUnavailable(C10kwsError):
    """The broker has not accepted an event, or has not answered in time."""

    def __init__(self, alias: str, reason: str) -> None:
        super().__init__(alias, reason)
        self.alias = alias
        self.reason = reason

    def __str__(self) -> str:
        return f"The broker {self.alias!r} is not available: {self.reason}."


class RolledBack(C10kwsError):
    """An event was not sent, since its transaction was rolled back.

    Only awaiting the emit, or its ``result()``, raises this.
    """

    def __init__(self, event: str, path: str) -> None:
        super().__init__(event, path)
        self.event = event
        self.path = path

    def __str__(self) -> str:
        return (
            f"The event {self.event!r} of {self.path!r} was not sent: its transaction was rolled "
            "back."
        )


class NoHistory(C10kwsError):
    """Raised by :meth:`Room.wait` and :meth:`Room.poll` for a room without a history."""

    def __init__(self, room: str, path: str) -> None:
        super().__init__(room, path)
        self.room = room
        self.path = path

    def __str__(self) -> str:
        return (
            f"The room {self.room!r} of {self.path!r} keeps no history. Add a pattern for it to "
            "C10KWS['HISTORY'], or to the argument 'history' of its EventSocket."
        )


class NotCallableError(C10kwsError):
    """The argument of ``on`` is neither a function nor the name of an event."""

    def __init__(self, thing: object) -> None:
        super().__init__(thing)
        self.thing = thing

    def __str__(self) -> str:
        return f"expected a function or the name of an event, not {self.thing!r}"


class InvalidInstanceError(C10kwsError, TypeError):
    """An argument has the wrong type."""

    def __init__(self, actual_instance: object, expected_instance_name: str) -> None:
        super().__init__(actual_instance, expected_instance_name)
        self.actual_instance = actual_instance
        self.expected_instance_name = expected_instance_name

    def __str__(self) -> str:
        return f"expected {self.expected_instance_name}, not {self.actual_instance!r}"


class EventAlreadyBound(C10kwsError, NameError):
    """A second callback was bound to an event. An event has one callback."""

    def __init__(self, event: str, path: str) -> None:
        super().__init__(event, path)
        self.event = event
        self.path = path

    def __str__(self) -> str:
        return f"The event {self.event!r} of {self.path!r} already has a callback."


class PathAlreadyUsed(C10kwsError):
    """Two EventSockets have the same path.

    ``first`` and ``second`` are the lines that define them, ``modules`` the names of their modules.
    """

    def __init__(
        self, path: str, first: str, second: str, modules: tuple[str, str] = ("", "")
    ) -> None:
        super().__init__(path, first, second, modules)
        self.path = path
        self.first = first
        self.second = second
        self.modules = modules

    def __str__(self) -> str:
        one, other = self.modules
        if self.first != self.second:
            return (
                f"Path {self.path!r} is already used by the EventSocket defined at {self.first} "
                f"(redefined at {self.second})."
            )
        if one != other:
            return (
                f"Path {self.path!r} is already used: the module that defines its EventSocket at "
                f"{self.first} was imported under two names, {one!r} and {other!r}. Import it "
                "under one name only."
            )
        return (
            f"Path {self.path!r} is already used: line {self.first} of the module {one!r} "
            "was executed twice. Define each EventSocket once, and do not reload its module."
        )
