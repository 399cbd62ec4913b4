"""Refusals of a handshake that a page can see: a wrapper around Django's WSGI application.

When a handshake gets an HTTP error, a browser tells its page neither the status nor the reason,
only the close code 1006. Therefore, when the application responds to a valid handshake of an
allowed origin with 401, 403, 404 or a redirect, the wrapper accepts the handshake and closes the
WebSocket immediately with the code 4000 + status and a reason. It keeps the cookies of the
response and drops its body. A view that refuses a handshake may choose the Close itself.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path

from . import conf
from .exceptions import HandshakeRefused, OriginRefused
from .handlers.servers import servers
from .handlers.start import HandlerStart, close_with
from .handlers.statistics import COUNTED, outcome_of, statistics
from .hijack import Contract
from .protocol import handshake
from .protocol.closing import Close, truncate_reason
from .views.options import WebSocketOptions
from .views.origins import check_origin
from .views.responses import VISIBLE_CLOSE

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Refusals"]

logger = logging.getLogger("c10kws")

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REASONS = {401: "authentication required", 403: "forbidden", 404: "not found"}

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class VisibleRefusal:
    """The 101 and the Close that replace an HTTP response."""

    request: WSGIRequest
    accepted: handshake.Accept
    close: Close
    cookies: Headers

    def head(self) -> Headers:
        """Return the headers of the 101.

        PEP 3333's validator asks for a Content-Type; the server strips it from a 101.
        """
        return [("Content-Type", "text/plain"), *self.accepted.headers.items(), *self.cookies]

    def start(self, contract: Contract) -> HandlerStart:
        """Return the start of the handler that sends the Close."""
        handler = partial(close_with, self.close)
        return HandlerStart(self.request, handler, contract, self.accepted, conf.current())


class Refusals:
    """WSGI middleware that shows pages the reason why Django refused their handshake."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        servers.announce(Refusals)  # an application is wrapped in order to serve it

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Call the application (PEP 3333); only the responses to handshakes are changed."""
        contract = Contract.from_environ(environ)
        if contract is not None and servers.observed:
            servers.state_of(contract)
        if contract is None or not handshake.is_handshake(environ):
            return self._application(environ, start_response)
        if not conf.current().close_refused_handshakes:
            return self._application(environ, _counting(environ, start_response))
        asked = dict(environ)  # each WSGIRequest decodes the PATH_INFO of its environ in place
        held = _HeldResponse(start_response, environ)
        result = self._application(environ, held)
        _count(environ, held.status)
        refusal = _make_visible(asked, held, result) if held.refusal else None
        if refusal is None:
            held.release()
            return result
        _log(refusal.request.path, held, refusal.close)
        start_response("101 Switching Protocols", refusal.head())
        return _ClosingResponse(result, refusal.start(contract))


def _counting(environ: WSGIEnvironment, start_response: StartResponse) -> StartResponse:
    """Return a ``start_response`` that counts the outcome of a handshake."""

    def start(status: str, *args: Any) -> Callable[[bytes], object]:
        _count(environ, int(status.split(" ", 1)[0]))
        return start_response(status, *args)

    return start


def _count(environ: WSGIEnvironment, status: int) -> None:
    """Count a refused handshake, unless the view has counted it."""
    if status >= 300 and COUNTED not in environ:
        statistics.count_handshake(outcome_of(status))


class _HeldResponse:
    """A ``start_response`` that keeps the head of a refusal until it is released."""

    def __init__(self, start_response: StartResponse, environ: WSGIEnvironment) -> None:
        self._start_response = start_response
        self._environ = environ
        self._holding = True
        self._args: tuple[Any, ...] | None = None
        self._write: Callable[[bytes], object] | None = None

    def __call__(
        self, status: str, headers: Headers, exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        args = (status, headers) if exc_info is None else (status, headers, exc_info)
        if not self._holding:
            return self._start_response(*args)
        self._args = args
        if not self.refusal:
            self.release()
        return self._late_write

    @property
    def status(self) -> int:
        return int(self._args[0].split(" ", 1)[0]) if self._args else 0

    @property
    def headers(self) -> Headers:
        return self._args[1] if self._args else []

    @property
    def location(self) -> str:
        """The target of a redirect, or an empty string."""
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def refusal(self) -> bool:
        """True while it keeps a head whose status a Close frame can express."""
        return self._holding and (
            self.status in REASONS or self.status in REDIRECTS or self.visible_close is not None
        )

    @property
    def visible_close(self) -> Close | None:
        """The Close that the view has chosen for pages; None if it left that to the status."""
        close: Close | None = self._environ.get(VISIBLE_CLOSE)
        return close if self.status == 503 else None

    def release(self) -> None:
        """Pass the head on, and do the same with later calls."""
        if self._holding:
            self._holding = False
            if self._args is not None:
                self._write = self._start_response(*self._args)

    def _late_write(self, data: bytes) -> None:
        self.release()
        assert self._write is not None
        self._write(data)


class _ClosingResponse:
    """The iterable of the 101. Its ``close()`` opens the WebSocket, which is closed immediately."""

    def __init__(self, refused: Iterable[bytes], start: HandlerStart) -> None:
        self._refused = refused
        self._start = start
        start.close_first()

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Close the refused response in this thread, then the WebSocket on the loop."""
        try:
            if hasattr(self._refused, "close"):
                self._refused.close()
        finally:
            self._start.start_soon()


def _make_visible(
    environ: WSGIEnvironment, held: _HeldResponse, response: object
) -> VisibleRefusal | None:
    """Return the refusal as a Close; None to keep the HTTP response.

    A page whose origin may not connect keeps the HTTP response. Under DEBUG it gets a WebSocket
    without cookies that is closed with the reason, for the developer.
    """
    request = WSGIRequest(environ)
    close = _close_for(request, held, response)
    if close is None:
        return None
    options = _options(request.path_info) or _options(request.path_info + "/") or WebSocketOptions()
    cookies = [(name, value) for name, value in held.headers if name.lower() == "set-cookie"]
    try:
        accepted = _accept(request, options)
        check_origin(request, options.origins)
    except OriginRefused as refusal:
        if not settings.DEBUG:
            return None
        close, cookies = Close(4403, truncate_reason(f"origin: {refusal.advice}")), []
    except (HandshakeRefused, DisallowedHost):
        return None
    return VisibleRefusal(request, accepted, close, cookies)


def _close_for(request: WSGIRequest, held: _HeldResponse, response: object) -> Close | None:
    """Return the Close for an HTTP response; None for a redirect that has no meaning for it."""
    if held.visible_close is not None:
        return held.visible_close
    if held.status in REASONS:
        return Close(4000 + held.status, REASONS[held.status])
    target = urlsplit(held.location.strip())
    path = unquote(target.path)
    same_host = target.netloc in ("", request.META.get("HTTP_HOST", ""))
    if same_host and path == request.path + "/":
        return Close(4404, truncate_reason(f"missing final slash: {path}"))
    if request.scheme == "http" and target.scheme == "https" and path == request.path:
        return Close(4403, "use wss")
    if _options(request.path_info) is None:
        return None
    status = 403 if _is_authenticated(response) else 401
    return Close(4000 + status, REASONS[status])


def _is_authenticated(response: object) -> bool:
    """Return True if the client is logged in, so that a redirect does not ask for a login.

    ``permission_required`` also redirects a user without the permission to the login page. The
    request is found among the objects that Django's response closes; the response of another
    package's wrapper may not have them.
    """
    for closer in getattr(response, "_resource_closers", ()):
        request = getattr(closer, "__self__", None)
        if isinstance(request, HttpRequest) and hasattr(request, "user"):
            return bool(request.user.is_authenticated)
    return False


def _accept(request: WSGIRequest, options: WebSocketOptions) -> handshake.Accept:
    """Return the response to the handshake. Raises :exc:`HandshakeRefused` when it is invalid.

    The subprotocol is one of the view's, else the first one offered: a browser that offered some
    and gets none reports only 1006.
    """
    offered = handshake.offered_subprotocols(request.META)
    return handshake.accept(request.META, [*options.subprotocols, *offered])


def _options(path: str) -> WebSocketOptions | None:
    """Return the options of the WebSocket view at ``path``; None if there is no such view."""
    try:
        view = resolve(path).func
    except Resolver404:
        return None
    if hasattr(view, "view_class"):  # a class-based view: the handler is its get()
        view = getattr(view.view_class, "get", view)
    return getattr(view, "websocket_options", None)


def _log(path: str, held: _HeldResponse, close: Close) -> None:
    path = escape_uri_path(path)
    target, _, _ = held.location.partition("?")  # the rest may contain the query of the WebSocket
    logger.info(
        "%s: handshake refused with %d%s; accepted and closed with %d %r",
        path,
        held.status,
        f" to {target}" if target else "",
        close.code,
        close.reason,
        extra={"path": path, "status_code": held.status, "close_code": close.code},
    )
