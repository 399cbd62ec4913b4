"""``@asynchronous``: the decorator."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any, overload

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.log import log_response

from .. import conf
from ..hijack import Contract
from ..views.responses import Answer
from ..views.signatures import takes
from .coroutine import Coroutine
from .handler import Handler
from .pending import Pending
from .placeholder import Placeholder

logger = logging.getLogger("c10kws")

View = Callable[..., Any]

#: The timeout is the one of the settings.
OF_SETTINGS: Any = object()

NO_CONTRACT = (
    "This server cannot let a client wait without a thread, which @asynchronous is for. In "
    "development put 'c10kws' above 'django.contrib.staticfiles' in INSTALLED_APPS and run "
    "`python manage.py runserver`; in production run `python manage.py runtornado`; in tests use "
    "poll() of c10kws.test.Client."
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
    if not takes(function, "request", "handler"):
        name = getattr(function, "__name__", "view")
        raise TypeError(
            f"@asynchronous: {name!r} cannot be called with a request and a handler. Write "
            f"`def {name}(request, handler, …)`, or `def {name}(self, request, handler, …)` for a "
            "method."
        )

    @functools.wraps(function)
    def view(*args: Any, **kwargs: Any) -> HttpResponseBase:
        # The request is the first argument of a function and the second of a method.
        position = 0 if isinstance(args[0], HttpRequest) else 1
        before, request, after = args[:position], args[position], args[position + 1 :]
        contract = Contract.from_environ(request.META)
        if contract is None or contract.defer is None:
            return _refuse(request)
        seconds = conf.current().asynchronous_timeout if timeout is OF_SETTINGS else timeout
        handler = Handler(request, Pending(request, contract, seconds))
        call = functools.partial(function, *before, request, handler, *after, **kwargs)
        if iscoroutinefunction(function):
            handler.pending.background = Coroutine(call, handler)
        elif (response := _run(call, handler)) is not None:
            return response
        return Placeholder(handler.pending, contract.defer)

    for mark in ("_is_coroutine", "_is_coroutine_marker"):  # of asgiref, copied by wraps
        view.__dict__.pop(mark, None)
    return view


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


def _refuse(request: HttpRequest) -> Answer:
    response = Answer(NO_CONTRACT + "\n", status=500, content_type="text/plain; charset=utf-8")
    log_response(
        "@asynchronous refused: %s: %s",
        request.path,
        NO_CONTRACT,
        response=response,
        request=request,
        logger=logger,
    )
    return response
