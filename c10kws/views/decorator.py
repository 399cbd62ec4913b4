"""``@websocket``: an ``async def`` handler becomes an ordinary Django view.

The view is a sync function that answers the opening handshake through middleware and
``start_response`` like any response. When the server has flushed its 101 and calls ``close()``,
the handler starts on the event loop.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt

from .. import conf
from ..connection.websocket import WebSocket
from ..exceptions import HandshakeRefused
from ..hijack import Contract
from ..protocol import handshake
from ..protocol.negotiation import Compression
from .asgi import UNDER_ASGI
from .origins import Origins, check_origin
from .responses import Answer
from .signatures import takes, wraps_a_view
from .switching import Startup, SwitchingProtocols

logger = logging.getLogger("c10kws")
security_logger = logging.getLogger("django.security.c10kws")

Handler = Callable[..., Awaitable[None]]
View = Callable[..., HttpResponse]

NO_CONTRACT = (
    "This server cannot carry WebSockets. In development put 'c10kws' above "
    "'django.contrib.staticfiles' in INSTALLED_APPS and run `python manage.py runserver`; in "
    "production run `python manage.py runtornado`."
)


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``@websocket``; the view carries them as ``websocket_options``."""

    subprotocols: Sequence[str] = ()
    origins: Origins = None
    user: bool = True
    compression: bool | Mapping[str, Any] | None = None
    max_message_size: int | None = None
    keep_request: bool = True

    def __post_init__(self) -> None:
        """Raise TypeError or ValueError for an argument of the wrong shape."""
        _check_sequence("subprotocols", self.subprotocols)
        if self.origins is not None and self.origins != "*":
            _check_sequence("origins", self.origins)
        Compression.from_value(self.compression)
        size: object = self.max_message_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise TypeError(f"@websocket: expected max_message_size in bytes, not {size!r}")

    @property
    def compresses(self) -> Compression | None:
        """The compression of the view, or of the settings."""
        value = conf.current().compression if self.compression is None else self.compression
        return Compression.from_value(value)


@overload
def websocket(handler: Handler, /) -> View: ...
@overload
def websocket(
    *,
    subprotocols: Sequence[str] = (),
    origins: Origins = None,
    user: bool = True,
    compression: bool | Mapping[str, Any] | None = None,
    max_message_size: int | None = None,
    keep_request: bool = True,
) -> Callable[[Handler], View]: ...
def websocket(
    handler: Handler | None = None,
    /,
    *,
    subprotocols: Sequence[str] = (),
    origins: Origins = None,
    user: bool = True,
    compression: bool | Mapping[str, Any] | None = None,
    max_message_size: int | None = None,
    keep_request: bool = True,
) -> View | Callable[[Handler], View]:
    """Turn ``async def handler(ws, *args, **kwargs)`` into a view for the URLconf.

    URL arguments arrive as in any view; on a method, ``self`` stays in front. ``subprotocols``
    are those the view speaks, best first. ``origins`` says which other sites' pages may connect:
    None those of CSRF_TRUSTED_ORIGINS, a list its entries, ``"*"`` all. ``user=False`` leaves
    ``request.user`` alone, which saves the handshake its database queries. ``compression`` and
    ``max_message_size`` (bytes) override the settings. ``keep_request=False`` frees the
    request after the handshake, which saves two thirds of an idle connection's memory.

    Raises TypeError when the handler is not a coroutine function, takes no connection or is wrapped
    by a decorator of views, which goes above this one; TypeError or ValueError when an argument has
    the wrong shape.
    """
    options = Options(subprotocols, origins, user, compression, max_message_size, keep_request)
    if handler is None:
        return lambda handler: _make_view(handler, options)
    return _make_view(handler, options)


def _check_sequence(name: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"@websocket: expected {name} to be a list of strings, not {value!r}")


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
    if not takes(handler, "ws"):
        raise TypeError(
            f"@websocket: {name!r} has no positional parameter for the connection. Write "
            f"`async def {name}(ws, …)`, or `async def {name}(self, ws, …)` for a method."
        )


def _make_view(handler: Handler, options: Options) -> View:
    if not _is_probe(handler):
        _check_handler(handler)

    @csrf_exempt  # a POST is answered by the handshake's 405, and a GET is not checked anyway
    @functools.wraps(handler)
    def view(*args: Any, **kwargs: Any) -> HttpResponse:
        # The request is the first argument of a function and the second of a method.
        position = 0 if isinstance(args[0], HttpRequest) else 1
        before, request, after = args[:position], args[position], args[position + 1 :]
        try:
            return _accept(
                request, lambda ws: handler(*before, ws, *after, **kwargs), options
            ).prepared()
        except HandshakeRefused as refusal:
            return _refuse(request, refusal)

    _be_sync(view)
    view.websocket_options = options  # type: ignore[attr-defined]
    return view


def _is_probe(handler: Handler) -> bool:
    """``method_decorator`` decorates a dummy to see which attributes a decorator adds."""
    return getattr(handler, "__module__", "") == method_decorator.__module__


def _be_sync(view: View) -> None:
    """Remove the marks of a coroutine function that ``functools.wraps`` copied."""
    view.__dict__.pop("_is_coroutine", None)
    view.__dict__.pop("_is_coroutine_marker", None)


def _accept(
    request: HttpRequest, handler: Callable[[WebSocket], Awaitable[None]], options: Options
) -> SwitchingProtocols:
    compression = options.compresses
    contract = Contract.from_environ(request.META)
    try:
        accepted = handshake.accept(request.META, options.subprotocols, compression)
    except HandshakeRefused as refusal:
        if contract is None:
            refusal.reason += f" {_no_contract(request)}"
        raise
    check_origin(request, options.origins)
    if contract is None:
        raise HandshakeRefused(500, _no_contract(request))
    startup = Startup(
        handler,
        contract,
        accepted,
        conf.current(),
        compression,
        max_message_size=options.max_message_size,
        user=options.user,
        keep_request=options.keep_request,
    )
    return SwitchingProtocols(request, startup)


def _no_contract(request: HttpRequest) -> str:
    return UNDER_ASGI if hasattr(request, "scope") else NO_CONTRACT


def _refuse(request: HttpRequest, refusal: HandshakeRefused) -> Answer:
    response = Answer(
        refusal.reason + "\n",
        status=refusal.status,
        headers=refusal.headers,
        content_type="text/plain; charset=utf-8",
    )
    log_response(
        "WebSocket refused: %s: %s",
        request.path,
        refusal.reason,
        response=response,
        request=request,
        logger=security_logger if refusal.status == 403 else logger,
    )
    return response
