"""``Callback``: a function bound to an event, with the parameters that it has."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, Protocol

from asgiref.sync import iscoroutinefunction

from ...handlers.statistics import statistics
from ..clients.socket import Socket
from ..exceptions import NotCallableError

#: Arguments for a callback, by the name of its parameter.
ARGUMENTS = ("self", "socket", "data")


class ArgumentSource(Protocol):
    """The parts of an EventSocket that its callbacks get."""

    context: Any
    data_class: Callable[[dict[str, Any]], dict[str, Any]]


#: Result of an action that has answered its frame itself.
ANSWERED = object()


class Action(Protocol):
    """Handles the frames of an event; in a thread, unless ``is_async``."""

    @property
    def is_async(self) -> bool: ...

    def call(self, source: ArgumentSource, socket: Socket, data: dict[str, Any]) -> Any: ...


class Callback:
    """A function and its parameters among ``self``, ``socket`` and ``data``, looked up once."""

    __slots__ = ("_takes_data", "_takes_self", "_takes_socket", "function", "is_async", "name")

    def __init__(self, function: Callable[..., Any]) -> None:
        """Raise :exc:`NotCallableError`, or TypeError for an unsupported parameter."""
        if not callable(function):
            raise NotCallableError(function)
        self.function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.is_async = iscoroutinefunction(function) or iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004
        )
        parameters = _parameters_of(function)
        self._takes_self, self._takes_socket, self._takes_data = (
            name in parameters for name in ARGUMENTS
        )

    def call(self, source: ArgumentSource, socket: Socket, data: dict[str, Any]) -> Any:
        """Call the function with those of the arguments that it has parameters for."""
        arguments: dict[str, Any] = {}
        if self._takes_self:
            arguments["self"] = source.context
        if self._takes_socket:
            arguments["socket"] = socket
        if self._takes_data:
            arguments["data"] = source.data_class(data)
        if not statistics.detailed:
            return self.function(**arguments)
        run = self._run_async if self.is_async else self._run
        return run(socket.endpoint.path, arguments)

    def _run(self, endpoint: str, arguments: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            return self.function(**arguments)
        finally:
            statistics.count_callback(endpoint, time.perf_counter() - began)

    async def _run_async(self, endpoint: str, arguments: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            return await self.function(**arguments)
        finally:
            statistics.count_callback(endpoint, time.perf_counter() - began)


def _parameters_of(function: Callable[..., Any]) -> list[str]:
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            return [*names, *(name for name in ARGUMENTS[1:] if name not in names)]
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if named and parameter.name in ARGUMENTS:
            names.append(parameter.name)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            continue
        elif parameter.default is parameter.empty:
            raise TypeError(_error_text(function, parameter))
    return names


def _error_text(function: Callable[..., Any], parameter: inspect.Parameter) -> str:
    name = repr(getattr(function, "__name__", function))
    if parameter.name in ARGUMENTS:
        return (
            f"Parameter {parameter.name!r} of callback {name} is positional-only. Callbacks are "
            "called by keyword; remove the '/'."
        )
    return (
        f"Callback {name} has an unsupported parameter {parameter.name!r}; use any of: self, "
        "socket, data."
    )
