"""The decorator ``@asynchronous``."""

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
from .coroutine import ViewCoroutine
from .handler import Handler
from .pending_response import PendingResponse
from .placeholder import Placeholder

View = Callable[..., Any]

#: The default of ``timeout``: the setting ASYNCHRONOUS_TIMEOUT.
FROM_SETTINGS: Any = object()

NO_DEFERRED_RESPONSES = (
    "This server cannot defer a response, as @asynchronous does. In tests, use poll() of "
    "c10kws.test.Client."
)


@overload
def asynchronous(view: View, /) -> View: ...
@overload
def asynchronous(*, timeout: float | None = ...) -> Callable[[View], View]: ...
def asynchronous(
    view: View | None = None, /, *, timeout: float | None = FROM_SETTINGS
) -> View | Callable[[View], View]:
    """Turn ``def view(request, handler, *args, **kwargs)`` into a view for the URLconf.

    If the view returns an HttpResponse, that is the response. None means that
    ``handler.finish()`` will be called later, from any thread; until then no thread is held. An
    ``async def`` view runs on the event loop, after middleware. ``timeout`` (seconds, or None for
    no timeout) overrides the setting ASYNCHRONOUS_TIMEOUT: a client without a response after that
    time gets 504.

    Raises TypeError if ``view`` cannot be called with a request and a handler, and ValueError for a
    timeout that is not above 0.
    """
    if timeout is not FROM_SETTINGS and timeout is not None and not timeout > 0:
        raise ValueError(f"@asynchronous: the timeout must be above 0 or None, not {timeout!r}")
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
        seconds = conf.current().asynchronous_timeout if timeout is FROM_SETTINGS else timeout
        handler = Handler(request, PendingResponse(request, contract, seconds))
        bound = functools.partial(call, request, handler)
        if iscoroutinefunction(function):
            handler.pending.background = ViewCoroutine(bound, handler)
        elif (response := _run(bound, handler)) is not None:
            return response
        return Placeholder(handler.pending, contract.defer)

    return wrap_as_view(function, respond)


def _run(call: Callable[[], object], handler: Handler) -> HttpResponseBase | None:
    """Call a sync view in this thread; return its response if it is complete already."""
    try:
        response = call()
        if response is not None:
            handler.take(response)
    except BaseException:
        handler.pending.close()
        raise
    return handler.pending.complete_response


def _refuse(request: HttpRequest) -> AwaitableResponse:
    reason = explain_missing_support(request, NO_DEFERRED_RESPONSES)
    return refuse(request, "@asynchronous", reason)
