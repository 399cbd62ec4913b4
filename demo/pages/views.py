"""Views of the simple pages. Pages are functions, WebSockets are coroutine functions."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from threading import current_thread

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render

from c10kws import WebSocket, websocket

LINES = 8
PAUSE = 0.4


def index(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/index.html")


def echo_page(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/echo.html")


@websocket
async def echo(ws: WebSocket) -> None:
    """Send every message back, until the client closes the connection."""
    async for message in ws:
        await ws.write_message(message)


def whoami_page(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/whoami.html")


@login_required
@websocket
async def whoami(ws: WebSocket) -> None:
    """Send the name of the user. Other clients are closed with 4401, which a browser can see."""
    await ws.write_message(f"You are {ws.user.get_username()}.")
    await ws.read_message()


def streaming_page(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/streaming.html")


def progress_page(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/progress.html")


def requests_page(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/requests.html")


def lines(request: HttpRequest) -> StreamingHttpResponse:
    """Send a line from time to time, from a worker thread."""

    def generate() -> Iterator[str]:
        for number in range(1, LINES + 1):
            yield f"line {number} of {LINES}, from {current_thread().name}\n"
            time.sleep(PAUSE)

    return StreamingHttpResponse(generate(), content_type="text/plain; charset=utf-8")


def events(request: HttpRequest) -> StreamingHttpResponse:
    """Send events from the event loop; a waiting client holds no thread."""

    async def generate() -> AsyncIterator[str]:
        for number in range(1, LINES + 1):
            yield f"data: event {number} of {LINES}, from {current_thread().name}\n\n"
            await asyncio.sleep(PAUSE)
        yield "event: end\ndata: \n\n"

    return StreamingHttpResponse(generate(), content_type="text/event-stream")
