"""Views whose handler a test brings along, each with other options of ``@websocket``."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path

from c10kws import WebSocket, websocket

Script = Callable[[WebSocket], Awaitable[None]]

PLAIN = "/ws/frames/plain/"
COMPRESSED = "/ws/frames/compressed/"

#: The connections of the script under way, in the order in which they came.
connections: list[WebSocket] = []
_scripts: list[Script] = []


def play(script: Script) -> None:
    """Make ``script`` the handler of all that connect from now on."""
    _scripts[:] = [script]
    connections.clear()


async def scripted(ws: WebSocket) -> None:
    connections.append(ws)
    await _scripts[0](ws)


_requests: list[weakref.ref[HttpRequest]] = []


def requests_alive() -> int:
    """Return how many requests that ``observed`` saw are still in memory."""
    gc.collect()
    return sum(request() is not None for request in _requests)


def observed(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def observing(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        _requests[:] = [weakref.ref(request)]
        return view(request, **kwargs)

    return observing


async def echo(ws: WebSocket) -> None:
    """Handler for ``play``: answer each message with itself."""
    async for message in ws:
        await ws.write_message(message)


urlpatterns = [
    path("plain/", websocket(scripted)),
    path("compressed/", websocket(compression=True)(scripted)),
    path("uncompressed/", websocket(compression=False)(scripted)),
    path("narrow/", websocket(compression={"server_max_window_bits": 10})(scripted)),
    path("short/", websocket(max_message_size=1000)(scripted)),
    path("short-compressed/", websocket(max_message_size=1000, compression=True)(scripted)),
    path("long/", websocket(max_message_size=3_000_000)(scripted)),
    path("kept/", observed(websocket(scripted))),
    path("let-go/", observed(websocket(keep_request=False)(scripted))),
    path("let-go-both/", observed(websocket(keep_request=False, load_user=False)(scripted))),
]
