"""Parameters of the functions that decorators get, checked where the functions are defined."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

#: A method is decorated before it is bound: its first parameter is the instance or the class.
OF_METHODS = ("self", "cls")


def check_parameters(
    decorator: str, function: Callable[..., Any], keyword: str, *names: str
) -> None:
    """Raise TypeError if ``function`` cannot take positional arguments with these names.

    ``keyword`` is ``def`` or ``async def``, for the message.
    """
    if takes(function, *names):
        return
    name = getattr(function, "__name__", "view")
    parameters = ", ".join(names)
    raise TypeError(
        f"{decorator}: {name!r} has too few positional parameters. Write "
        f"`{keyword} {name}({parameters}, …)`, or for a method "
        f"`{keyword} {name}(self, {parameters}, …)`."
    )


def takes(function: Callable[..., Any], *names: str) -> bool:
    """Return True if ``function`` can be called with this number of positional arguments.

    A method needs one more parameter. Defaults, ``*args`` and ``functools.partial`` count as in a
    call. A wrapper counts with its own parameters, not with those of the function that it wraps.
    """
    try:
        signature = inspect.signature(function, follow_wrapped=False)
    except ValueError:
        return True  # a builtin without a signature
    parameters = list(signature.parameters.values())
    if any(each.kind is each.VAR_POSITIONAL for each in parameters):
        return True
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    positional = [each.name for each in parameters if each.kind in kinds]
    return len(positional) - (positional[:1] in [[name] for name in OF_METHODS]) >= len(names)


def wraps_a_view(function: Callable[..., Any]) -> bool:
    """Return True if a decorator of views, such as ``login_required``, has wrapped ``function``.

    Such a wrapper is Django's, or its first parameter is named ``request``.
    """
    while hasattr(function, "__wrapped__"):
        code = getattr(function, "__code__", None)
        module = getattr(function, "__globals__", {}).get("__name__", "")
        if code and (module.startswith("django.") or code.co_varnames[:1] == ("request",)):
            return True
        function = function.__wrapped__
    return False
