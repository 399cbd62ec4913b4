"""The common part of ``@websocket`` and ``@asynchronous``: a view around another function."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .asgi import COMMANDS, UNDER_ASGI

#: Marks of a coroutine function, of asgiref and of Python 3.12.
COROUTINE_MARKS = ("_is_coroutine", "_is_coroutine_marker", "_is_coroutine_mark")


def wrap_as_view(
    function: Callable[..., Any],
    respond: Callable[[HttpRequest, Callable[..., Any]], HttpResponseBase],
) -> Callable[..., Any]:
    """Return a view for the URLconf whose response is that of ``respond(request, call)``.

    ``call(*values)`` calls ``function`` with the arguments of the view, but with ``values`` in
    place of the request. The view is a sync function, even if ``function`` is a coroutine function.
    """

    @functools.wraps(function)
    def view(*args: Any, **kwargs: Any) -> HttpResponseBase:
        # The request is the first argument of a function and the second of a method.
        position = 0 if isinstance(args[0], HttpRequest) else 1
        before, after = args[:position], args[position + 1 :]

        def call(*values: Any) -> Any:
            return function(*before, *values, *after, **kwargs)

        return respond(args[position], call)

    for mark in COROUTINE_MARKS:  # copied by functools.wraps
        view.__dict__.pop(mark, None)
    return view


def explain_missing_support(request: HttpRequest, missing: str) -> str:
    """Return a sentence about what this server cannot do, and the commands that run one that can.

    ``missing`` is that sentence for a WSGI server.
    """
    return UNDER_ASGI if hasattr(request, "scope") else f"{missing} {COMMANDS}"
