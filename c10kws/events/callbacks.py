"""The functions bound to events, and what each of them asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from asgiref.sync import iscoroutinefunction

from .exceptions import NotCallableError

#: Arguments of a callback, by the name of the parameter.
OFFERED = ("self", "socket", "data")


class Callback:
    """A function and which of ``self``, ``socket`` and ``data`` it takes, looked up once."""

    __slots__ = ("function", "is_async", "name", "wanted")

    def __init__(self, function: Callable[..., Any]) -> None:
        """Raise :exc:`NotCallableError`, or TypeError for an unsupported parameter."""
        if not callable(function):
            raise NotCallableError(function)
        self.function = function
        self.name: str = getattr(function, "__name__", type(function).__name__)
        self.is_async = iscoroutinefunction(function) or iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004
        )
        self.wanted = tuple(_wanted(function))

    def call(self, offered: Mapping[str, Any]) -> Any:
        """Call the function with what it asks for."""
        return self.function(**{name: offered[name] for name in self.wanted})


def _wanted(function: Callable[..., Any]) -> list[str]:
    wanted: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            return [*wanted, *(name for name in OFFERED[1:] if name not in wanted)]
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if named and parameter.name in OFFERED:
            wanted.append(parameter.name)
        elif parameter.kind is parameter.VAR_POSITIONAL:
            continue
        elif parameter.default is parameter.empty:
            raise TypeError(_complaint(function, parameter))
    return wanted


def _complaint(function: Callable[..., Any], parameter: inspect.Parameter) -> str:
    name = repr(getattr(function, "__name__", function))
    if parameter.name in OFFERED:
        return (
            f"{parameter.name!r} of the callback {name} is positional-only; callbacks are called "
            "by keyword: remove the '/'"
        )
    return (
        f"callback {name} has an unsupported parameter {parameter.name!r}; use any of: self, "
        "socket, data"
    )
