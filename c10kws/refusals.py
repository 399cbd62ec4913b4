"""Refusals that a browser can see: a WSGI wrapper around the Django application.

A browser tells its page nothing about a handshake that was answered with HTTP: no status, no
reason, just the close code 1006. So a valid handshake of an allowed origin that the application
answers with 401, 403, 404 or a redirect is accepted here and closed at once with 4000 + the
status and a reason. The headers of the answer's cookies are kept; its body is not sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from django.urls import Resolver404, resolve

from . import conf
from .connection.websocket import WebSocket
from .exceptions import HandshakeRefused, OriginRefused
from .handlers.logs import Report
from .handlers.servers import servers
from .hijack import Contract
from .protocol import handshake
from .protocol.closing import Close, truncate_reason
from .views.decorator import Options
from .views.origins import check_origin

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

__all__ = ["Refusals"]

logger = logging.getLogger("c10kws")

REDIRECTS = frozenset({301, 302, 303, 307, 308})
REASONS = {401: "authentication required", 403: "forbidden", 404: "not found"}

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Visible:
    """The 101 and the Close that replace an HTTP answer."""

    accepted: handshake.Accept
    close: Close
    cookies: Headers


class Refusals:
    """Wrap a Django WSGI application; see the module's text."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        servers.announce(Refusals)  # an application is wrapped in order to serve it

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """PEP 3333's application call; only handshakes are looked at."""
        contract = Contract.from_environ(environ)
        if (
            contract is None
            or not conf.current().close_refused_handshakes
            or not handshake.is_handshake(environ)
        ):
            return self._application(environ, start_response)
        asked = dict(environ)  # Django decodes PATH_INFO in place
        held = _HeldResponse(start_response)
        result = self._application(environ, held)
        visible = _make_visible(asked, held, result) if held.refusal else None
        if visible is None:
            held.release()
            return result
        _log(asked, held, visible.close)
        websocket = RefusedWebSocket(
            WSGIRequest(asked), contract, visible.accepted.subprotocol, visible.close
        )
        # PEP 3333's validator asks for a Content-Type; the server strips it from a 101.
        head = [("Content-Type", "text/plain"), *visible.accepted.headers.items(), *visible.cookies]
        start_response("101 Switching Protocols", head)
        return _ClosingResponse(result, websocket)


class _HeldResponse:
    """A ``start_response`` that holds back the head of a refusal until it is released."""

    def __init__(self, start_response: StartResponse) -> None:
        self._start_response = start_response
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
        """Where a redirect points, or an empty string."""
        return next((value for name, value in self.headers if name.lower() == "location"), "")

    @property
    def refusal(self) -> bool:
        """True while a head is held whose status a Close frame can express."""
        return self._holding and (self.status in REASONS or self.status in REDIRECTS)

    def release(self) -> None:
        """Pass on what is held, and whatever comes later."""
        if self._holding:
            self._holding = False
            if self._args is not None:
                self._write = self._start_response(*self._args)

    def _late_write(self, data: bytes) -> None:
        self.release()
        assert self._write is not None
        self._write(data)


class _ClosingResponse:
    """The iterable of the 101: its ``close()`` opens the WebSocket in order to close it."""

    def __init__(self, refused: Iterable[bytes], websocket: RefusedWebSocket) -> None:
        self._refused = refused
        self._websocket = websocket

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        """Close the refused response in this thread, then the WebSocket on the loop."""
        try:
            if hasattr(self._refused, "close"):
                self._refused.close()
        finally:
            self._websocket.open_soon()


@dataclass(frozen=True, slots=True)
class RefusedWebSocket:
    """A WebSocket that exists to be closed."""

    request: WSGIRequest
    contract: Contract
    subprotocol: str | None
    close: Close

    def open_soon(self) -> None:
        """Attach to the stream in the loop's next turn; from any thread."""
        self.contract.loop.call_soon_threadsafe(self._open)

    def _open(self) -> None:
        if self.contract.stream.upgraded:
            websocket = WebSocket(
                self.contract.stream, subprotocol=self.subprotocol, settings=conf.current()
            )
            task = self.contract.loop.create_task(self._close(websocket))
            servers.state_of(self.contract).add_task(task, websocket)

    async def _close(self, websocket: WebSocket) -> None:
        websocket.close(self.close.code, self.close.reason)
        await websocket.wait_closed()
        threads = servers.state_of(self.contract).threads
        Report(threads, self.request, keep_request=False).ended(websocket)


def _make_visible(
    environ: WSGIEnvironment, held: _HeldResponse, response: object
) -> Visible | None:
    """Return the refusal as a Close that a browser can see; None to keep the HTTP answer.

    A page whose origin may not connect gets no WebSocket. Under DEBUG it gets one without cookies
    that is closed with the reason, for the developer.
    """
    request = WSGIRequest(environ)
    close = _close_for(request, held, response)
    if close is None:
        return None
    options = _options(request.path_info) or _options(request.path_info + "/") or Options()
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
    return Visible(accepted, close, cookies)


def _close_for(request: WSGIRequest, held: _HeldResponse, response: object) -> Close | None:
    """Return the Close for an HTTP answer; None for a redirect that says nothing of WebSockets."""
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
    """Return True if the client is logged in: then the redirect cannot be about that.

    ``permission_required`` redirects those who lack the permission to the login page, too. Django
    lets a response close its request; a wrapper of another package may hide that.
    """
    for closer in getattr(response, "_resource_closers", ()):
        request = getattr(closer, "__self__", None)
        if isinstance(request, HttpRequest) and hasattr(request, "user"):
            return bool(request.user.is_authenticated)
    return False


def _accept(request: WSGIRequest, options: Options) -> handshake.Accept:
    """Return the answer to the handshake. Raises :exc:`HandshakeRefused` when it is invalid.

    The subprotocol is one of the view's, else the first offered: a browser that offered some and
    gets none reports only 1006.
    """
    offered = handshake.offered_subprotocols(request.META)
    return handshake.accept(request.META, [*options.subprotocols, *offered])


def _options(path: str) -> Options | None:
    """Return the options of the WebSocket view at ``path``; None where there is none."""
    try:
        view = resolve(path).func
    except Resolver404:
        return None
    if hasattr(view, "view_class"):  # a class-based view: the handler is its get()
        view = getattr(view.view_class, "get", view)
    return getattr(view, "websocket_options", None)


def _log(environ: WSGIEnvironment, held: _HeldResponse, close: Close) -> None:
    logger.info(
        "%s: handshake answered with %d%s; accepted and closed with %d %s",
        environ.get("PATH_INFO", ""),
        held.status,
        f" to {held.location}" if held.location else "",
        close.code,
        close.reason,
    )
