"""``@asynchronous``: the decorator."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, overload

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from .. import conf
from ..hijack import Contract
from ..views.responses import AwaitableResponse, refuse
from ..views.signatures import check_parameters
from ..views.wrapping import explain_missing_support, wrap_as_view
from .coroutine import Coroutine
from .handler import Handler
from .pending import Pending
from .placeholder import Placeholder

View = Callable[..., Any]

#: The timeout is the one of the settings.
OF_SETTINGS: Any = object()

NO_DEFERRED_RESPONSES = (
    "This server cannot defer a response, as @asynchronous does. In tests, use poll() of "
    "c10kws.test.Client."
)


@overload
def asynchronous(view: View, /) -> View: ...
@overload
def asynchronous(*, timeout: float | None = ...) -> Callable[[View], View]: ...
def asynchronous(
    view: View | None = None, /, *, timeout: float | None = OF_SETTINGS
) -> View | Callable[[View], View]:
    """Turn ``def view(request, handler, *args, **kwargs)`` into a view for the URLconf.

    When the view returns an HttpResponse, that is the response. None means that
    ``handler.finish()`` will be called later, from any thread; no thread is held meanwhile. An
    ``async def`` view runs on the event loop, after middleware. ``timeout`` (seconds, or None for
    no timeout) overrides the setting ASYNCHRONOUS_TIMEOUT: a client without an answer by then gets
    504.

    Raises TypeError when ``view`` cannot be called with a request and a handler, ValueError for
    another timeout.
    """
    if timeout is not OF_SETTINGS and timeout is not None and not timeout > 0:
        raise ValueError(f"@asynchronous: expected a timeout above 0 or None, not {timeout!r}")
    if view is None:
        return lambda view: _make_view(view, timeout)
    return _make_view(view, timeout)


def _make_view(function: View, timeout: float | None) -> View:
    if not callable(function):
        raise TypeError(f"@asynchronous: expected a view, not {function!r}")
    check_parameters("@asynchronous", function, "def", "request", "handler")

    def respond(request: HttpRequest, call: View) -> HttpResponseBase:
        contract = Contract.from_environ(request.META)
        if contract is None or contract.defer is None:
            return _refuse(request)
        seconds = conf.current().asynchronous_timeout if timeout is OF_SETTINGS else timeout
        handler = Handler(request, Pending(request, contract, seconds))
        bound = functools.partial(call, request, handler)
        if iscoroutinefunction(function):
            handler.pending.background = Coroutine(bound, handler)
        elif (response := _run(bound, handler)) is not None:
            return response
        return Placeholder(handler.pending, contract.defer)

    return wrap_as_view(function, respond)


def _run(call: Callable[[], object], handler: Handler) -> HttpResponseBase | None:
    """Call a sync view here; return its response when it is known already."""
    try:
        response = call()
        if response is not None:
            handler.take(response)
    except BaseException:
        handler.pending.abandon()
        raise
    return handler.pending.known


def _refuse(request: HttpRequest) -> AwaitableResponse:
    reason = explain_missing_support(request, NO_DEFERRED_RESPONSES)
    return refuse(request, "@asynchronous", reason)
