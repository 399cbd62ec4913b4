"""A function of the wrong shape is refused where it is decorated."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.http import require_GET

from c10kws import WebSocket, asynchronous, websocket


async def nothing() -> None: ...
async def only_by_name(*, ws: WebSocket) -> None: ...
async def keywords(**kwargs: Any) -> None: ...
async def one(ws: WebSocket) -> None: ...
async def two(room: str, ws: WebSocket) -> None: ...
async def anything(*args: Any) -> None: ...
async def positional_only(ws: WebSocket, /) -> None: ...
async def default(ws: WebSocket | None = None) -> None: ...


class Methods:
    async def wrong(self) -> None: ...
    async def right(self, ws: WebSocket) -> None: ...
    async def any_number(self, *args: Any) -> None: ...

    def view(self, request: HttpRequest) -> None: ...
    def poll(self, request: HttpRequest, handler: Any) -> None: ...


def sync_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def view_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator of somebody else's, async as Django's are."""

    @functools.wraps(function)
    async def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return await function(request, *args, **kwargs)

    return wrapper


def own_wrapper(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def wrapper(ws: WebSocket, *args: Any, **kwargs: Any) -> None:
        await function(ws, *args, **kwargs)

    return wrapper


@pytest.mark.parametrize(
    "handler",
    [
        *(nothing, only_by_name, keywords, Methods.wrong, Methods().wrong),
        *(functools.partial(one, None), functools.partial(one, ws=None)),
    ],
)
def test_a_handler_that_takes_no_connection(handler: Any) -> None:
    with pytest.raises(TypeError, match=r"@websocket: .* too few positional parameters"):
        websocket(handler)


@pytest.mark.parametrize(
    "handler",
    [
        *(one, two, anything, positional_only, default, own_wrapper(one)),
        *(Methods.right, Methods().right, Methods.any_number, functools.partial(two, "room")),
    ],
)
def test_a_handler_that_takes_it(handler: Any) -> None:
    assert callable(websocket(handler))
    assert callable(websocket(load_user=False)(handler))


@pytest.mark.parametrize(
    "decorator",
    [login_required, require_GET, sync_wrapper, view_wrapper, method_decorator(login_required)],
)
def test_decorators_of_views_go_above_websocket(decorator: Any) -> None:
    with pytest.raises(TypeError, match=r"@websocket: .* above @websocket"):
        websocket(decorator(one))


def test_a_decorator_of_views_deep_inside() -> None:
    with pytest.raises(TypeError, match=r"@websocket: .* above @websocket"):
        websocket(own_wrapper(login_required(one)))


def test_the_right_order_as_methods() -> None:
    class Right(View):
        @method_decorator([login_required, websocket])
        async def get(self, ws: WebSocket) -> None: ...

    class AlsoRight(View):
        @method_decorator(login_required)
        @websocket
        async def get(self, ws: WebSocket) -> None: ...

    assert callable(Right.as_view())
    assert callable(AlsoRight.as_view())


def no_handler(request: HttpRequest) -> None: ...
async def no_handler_async(request: HttpRequest, *, handler: Any) -> None: ...
def right(request: HttpRequest, handler: Any) -> None: ...
async def right_async(request: HttpRequest, handler: Any, /, number: int = 1) -> None: ...


@pytest.mark.parametrize(
    "view",
    [
        *(nothing, no_handler, no_handler_async, Methods.view, Methods().view, View),
        *(functools.partial(right, None), functools.partial(right, handler=None)),
    ],
)
def test_a_long_poll_without_a_handler(view: Any) -> None:
    with pytest.raises(TypeError, match=r"@asynchronous: .*\(request, handler, "):
        asynchronous(view)


@pytest.mark.parametrize(
    "view", [right, right_async, anything, Methods.poll, Methods().poll, login_required(right)]
)
def test_a_long_poll_with_it(view: Any) -> None:
    assert callable(asynchronous(view))
    assert callable(asynchronous(timeout=3)(view))
