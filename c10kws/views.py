"""``@websocket``: an ``async def`` handler becomes an ordinary Django view.

The view is a sync function that answers the opening handshake through middleware and
``start_response`` like any response. When the server has flushed its 101 and calls ``close()``,
the handler starts on the event loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.decorators import method_decorator
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt

from . import conf, handshake, reports
from .connection import WebSocket
from .exceptions import HandshakeRefused
from .handler import serve
from .hijack import Hijack
from .origins import Origins, check_origin
from .registry import registry_of
from .threads import HandlerThreads, threads_of

logger = logging.getLogger("c10kws")
security_logger = logging.getLogger("django.security.c10kws")

Handler = Callable[..., Awaitable[None]]
View = Callable[..., HttpResponse]
_Answer = TypeVar("_Answer", bound="Answer")

NO_CONTRACT = (
    "This server cannot carry WebSockets. In development put 'c10kws' above "
    "'django.contrib.staticfiles' in INSTALLED_APPS and run `python manage.py runserver`; in "
    "production run `python manage.py runtornado`."
)


@dataclass(frozen=True, slots=True)
class Options:
    """What ``@websocket`` was told; the view carries it as ``websocket_options``."""

    subprotocols: Sequence[str] = ()
    origins: Origins = None
    user: bool = True


@overload
def websocket(handler: Handler, /) -> View: ...
@overload
def websocket(
    *, subprotocols: Sequence[str] = (), origins: Origins = None, user: bool = True
) -> Callable[[Handler], View]: ...
def websocket(
    handler: Handler | None = None,
    /,
    *,
    subprotocols: Sequence[str] = (),
    origins: Origins = None,
    user: bool = True,
) -> View | Callable[[Handler], View]:
    """Turn ``async def handler(ws, *args, **kwargs)`` into a view for the URLconf.

    URL arguments arrive as in any view; on a method, ``self`` stays in front. ``subprotocols``
    are those the view speaks, best first. ``origins`` says which other sites' pages may connect:
    None those of CSRF_TRUSTED_ORIGINS, a list its entries, ``"*"`` all. ``user=False`` leaves
    ``request.user`` alone, which saves the handshake its database queries.

    Raises TypeError when the handler is not a coroutine function, or an argument has the wrong
    shape.
    """
    _check_sequence("subprotocols", subprotocols)
    if origins is not None and origins != "*":
        _check_sequence("origins", origins)
    options = Options(subprotocols, origins, user)
    if handler is None:
        return lambda handler: _make_view(handler, options)
    return _make_view(handler, options)


def _check_sequence(name: str, value: object) -> None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"@websocket: expected {name} to be a list of strings, not {value!r}")


def _make_view(handler: Handler, options: Options) -> View:
    if not (iscoroutinefunction(handler) or _is_probe(handler)):
        raise TypeError(
            f"@websocket: expected `async def {getattr(handler, '__name__', 'handler')}(ws, …)`, "
            f"not {handler!r}. Decorators for views, as @login_required, go above @websocket."
        )

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
    """Take off the marks of a coroutine function that ``functools.wraps`` copied."""
    view.__dict__.pop("_is_coroutine", None)
    view.__dict__.pop("_is_coroutine_marker", None)


def _accept(
    request: HttpRequest, handler: Callable[[WebSocket], Awaitable[None]], options: Options
) -> SwitchingProtocols:
    accepted = handshake.accept(request.META, options.subprotocols)
    check_origin(request, options.origins)
    contract = Hijack.from_environ(request.META)
    if contract is None:
        raise HandshakeRefused(500, NO_CONTRACT)
    return SwitchingProtocols(request, accepted, contract, handler, options)


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


class Answer(HttpResponse):
    """A response that may be awaited.

    ``method_decorator`` copies the coroutine mark of the handler on to the view, and Django then
    awaits what the view returns.
    """

    def __await__(self: _Answer) -> Generator[Any, None, _Answer]:
        return self._awaited().__await__()

    async def _awaited(self: _Answer) -> _Answer:
        return self


class SwitchingProtocols(Answer):
    """The 101 of an accepted handshake. Its ``close()`` starts the handler on the loop."""

    status_code = 101

    def __init__(
        self,
        request: HttpRequest,
        accepted: handshake.Accept,
        contract: Hijack,
        handler: Callable[[WebSocket], Awaitable[None]],
        options: Options,
    ) -> None:
        super().__init__(headers=accepted.headers)
        self._subprotocol = accepted.subprotocol
        self._request = request
        self._contract = contract
        self._handler = handler
        self._wants_user = options.user
        self._context = contextvars.copy_context()
        self._language = translation.get_language()
        self._timezone = timezone.get_current_timezone()

    def prepared(self) -> SwitchingProtocols:
        """Load the user here, in the worker thread, unless an event loop runs in it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            self._load_user()
        return self

    async def _awaited(self) -> SwitchingProtocols:
        await sync_to_async(self._load_user)()
        return self

    def _load_user(self) -> None:
        if self._wants_user and hasattr(self._request, "user"):
            bool(self._request.user.is_authenticated)  # evaluates the lazy object

    def close(self) -> None:
        """Let go of the request in this thread, then start on the loop; PEP 3333's ``close()``."""
        super().close()
        try:
            self._contract.loop.call_soon_threadsafe(self._start)
        except RuntimeError:
            logger.info("%s: the server stopped during the handshake", self._request.path)

    def _start(self) -> None:
        contract = self._contract
        if not contract.stream.upgraded:
            return  # the client left during the handshake; the server has logged it
        websocket = WebSocket(
            contract.stream, subprotocol=self._subprotocol, settings=conf.current()
        )
        websocket.request = self._request
        if self._wants_user and hasattr(self._request, "user"):
            websocket.user = self._request.user
        run = self._run(websocket, threads_of(contract.executor))
        task = contract.loop.create_task(run, context=self._context)
        registry_of(contract.on_stop).add(websocket, task)

    async def _run(self, websocket: WebSocket, threads: HandlerThreads) -> None:
        """The handler's task, from the handshake's context to the access line."""
        request = self._request
        threads.enter(websocket)
        timezone.activate(self._timezone)
        if self._language is None:
            translation.deactivate_all()
        else:
            translation.activate(self._language)
        if hasattr(request, "session"):
            request.session.modified = False
        try:
            await serve(
                websocket,
                self._handler,
                lambda error: threads.report(reports.log_error, request, error),
            )
        finally:
            threads.report(reports.warn_unsaved_session, request)
            threads.report(reports.log_end, websocket, request, reports.now())
