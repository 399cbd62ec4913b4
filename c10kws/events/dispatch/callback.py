"""``Callback``: a function bound to an event, with the parameters that it has."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction

from ..exceptions import NotCallableError

#: Arguments for a callback, by the name of its parameter.
ARGUMENTS = ("self", "socket", "data")


class Callback:
    """A function and its parameters among ``self``, ``socket`` and ``data``, looked up once."""

    __slots__ = ("function", "is_async", "name", "parameters")

    def __init__(self, function: Callable[..., Any]) -> None:
        """Raise :exc:`NotCallableError`, or TypeError for an unsupported parameter."""
        if not callable(function):
            raise NotCallableError(function)
        self.function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.is_async = iscoroutinefunction(function) or iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004
        )
        self.parameters = tuple(_parameters_of(function))

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call the function with those of the arguments that it has parameters for."""
        return self.function(**{name: arguments[name] for name in self.parameters})


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
