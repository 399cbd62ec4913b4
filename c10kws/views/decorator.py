"""``@websocket``: an ``async def`` handler becomes an ordinary Django view.

The view is a sync function that answers the opening handshake through middleware and
``start_response`` like any response. When the server has flushed its 101 and calls ``close()``,
the handler starts on the event loop.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, overload

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt

from .. import conf
from ..connection.loop import on_event_loop
from ..exceptions import HandshakeRefused, OriginRefused
from ..handlers.connection_counts import Holder, TooManyConnections
from ..handlers.named_view import named_view_of
from ..handlers.start import HandlerStart
from ..handlers.statistics import COUNTED, outcome_of, statistics
from ..hijack import Contract
from ..protocol import handshake
from ..protocol.negotiation import Compression
from .options import RateOption, WebSocketOptions
from .origins import Origins, check_origin
from .responses import VISIBLE_CLOSE, AwaitableResponse, SwitchingProtocols, refuse
from .signatures import check_parameters, wraps_a_view
from .wrapping import explain_missing_support, wrap_as_view

logger = logging.getLogger("c10kws")
security_logger = logging.getLogger("django.security.c10kws")

Handler = Callable[..., Awaitable[None]]
View = Callable[..., HttpResponse]

NO_WEBSOCKETS = "This server cannot carry WebSockets."


@overload
def websocket(handler: Handler, /) -> View: ...
@overload
def websocket(
    *,
    subprotocols: Sequence[str] = (),
    origins: Origins = None,
    load_user: bool = True,
    compression: bool | Mapping[str, Any] | None = None,
    max_message_size: int | None = None,
    keep_request: bool = True,
    rate: RateOption = None,
    byte_rate: RateOption = None,
) -> Callable[[Handler], View]: ...
def websocket(
    handler: Handler | None = None,
    /,
    *,
    subprotocols: Sequence[str] = (),
    origins: Origins = None,
    load_user: bool = True,
    compression: bool | Mapping[str, Any] | None = None,
    max_message_size: int | None = None,
    keep_request: bool = True,
    rate: RateOption = None,
    byte_rate: RateOption = None,
) -> View | Callable[[Handler], View]:
    """Turn ``async def handler(ws, *args, **kwargs)`` into a view for the URLconf.

    The handler gets the arguments of the URL as any view does; a method also gets ``self``.

    ``subprotocols``
        Subprotocols that the view supports, in order of preference.
    ``origins``
        Other sites whose pages may connect. None means CSRF_TRUSTED_ORIGINS; ``"*"`` means all
        sites.
    ``load_user``
        False does not load ``request.user``, which saves the handshake its database queries.
    ``compression``, ``max_message_size`` (bytes)
        Override the settings COMPRESSION and MAX_MESSAGE_SIZE.
    ``keep_request``
        False frees the request after the handshake, which saves more than a third of the memory of
        an idle connection. The handler then has no ``ws.request``; ``ws.user`` stays.
    ``rate`` (``"20/s"``), ``byte_rate`` (``"64KiB/s"``)
        Override the settings MESSAGE_RATE and BYTE_RATE; False means no limit.

    Raises TypeError when the handler is not a coroutine function, has no parameter for the
    connection, or is wrapped by a decorator of views (which goes above this one). Raises TypeError
    or ValueError when an option has the wrong type or value.
    """
    options = WebSocketOptions(
        subprotocols,
        origins,
        load_user,
        compression,
        max_message_size,
        keep_request,
        rate,
        byte_rate,
    )
    if handler is None:
        return lambda handler: make_view(handler, options)
    return make_view(handler, options)


def make_view(handler: Handler, options: WebSocketOptions, endpoint: object = None) -> View:
    """Return the view of a handler; ``endpoint`` is the EventSocket that it belongs to."""
    if not _is_probe(handler):
        _check_handler(handler)

    def respond(request: HttpRequest, call: Handler) -> HttpResponse:
        try:
            start = _accept(request, call, options, endpoint)
            if not on_event_loop():  # else Django awaits the response, which loads the user
                start.evaluate_user()
                start.check_limits()
        except HandshakeRefused as refusal:
            return _refuse(request, refusal)
        return SwitchingProtocols(start)

    # A POST is answered by the handshake with 405, and a GET is not checked anyway.
    view: View = csrf_exempt(wrap_as_view(handler, respond))
    view.websocket_options = options  # type: ignore[attr-defined]
    return view


def _is_probe(handler: Handler) -> bool:
    """Return True for the dummy that ``method_decorator`` decorates to see the new attributes."""
    return getattr(handler, "__module__", "") == method_decorator.__module__


def _check_handler(handler: Handler) -> None:
    name = getattr(handler, "__name__", "handler")
    if not iscoroutinefunction(handler):
        raise TypeError(
            f"@websocket: expected `async def {name}(ws, …)`, not {handler!r}. "
            "Decorators of views, such as @login_required, go above @websocket."
        )
    if wraps_a_view(handler):
        raise TypeError(
            f"@websocket: {name!r} is wrapped by a decorator of views, which expects a request. "
            "Put decorators such as @login_required above @websocket."
        )
    check_parameters("@websocket", handler, "async def", "ws")


def _accept(
    request: HttpRequest, handler: Handler, options: WebSocketOptions, endpoint: object
) -> HandlerStart:
    settings = conf.current()
    compression = options.choose_compression(settings)
    contract, accepted = _check_request(request, options, compression)
    start = HandlerStart(
        request,
        handler,
        contract,
        accepted,
        settings,
        compression,
        options.max_message_size,
        options.load_user,
        options.keep_request,
        named_view_of(request, endpoint),
        options.make_meter(settings),
        Holder.of(request, settings),
    )
    start.check_limits()  # before the user is loaded, which costs queries
    return start


def _check_request(
    request: HttpRequest, options: WebSocketOptions, compression: Compression | None
) -> tuple[Contract, handshake.Accept]:
    """Return the contract with the server, and the answer to the handshake."""
    contract = Contract.from_environ(request.META)
    try:
        accepted = handshake.accept(request.META, options.subprotocols, compression)
    except HandshakeRefused as refusal:
        if contract is None:
            refusal.reason += f" {explain_missing_support(request, NO_WEBSOCKETS)}"
        raise
    check_origin(request, options.origins)
    if contract is None:
        raise HandshakeRefused(500, explain_missing_support(request, NO_WEBSOCKETS))
    return contract, accepted


def _refuse(request: HttpRequest, refusal: HandshakeRefused) -> AwaitableResponse:
    level = None
    is_origin = isinstance(refusal, OriginRefused)
    statistics.count_handshake("origin" if is_origin else outcome_of(refusal.status))
    request.META[COUNTED] = True
    if isinstance(refusal, TooManyConnections):
        level = "warning"
        if refusal.visible:
            request.META[VISIBLE_CLOSE] = refusal.close
    return refuse(
        request,
        "WebSocket",
        refusal.reason,
        status=refusal.status,
        headers=refusal.headers,
        logger=security_logger if refusal.status == 403 else logger,
        level=level,
    )
