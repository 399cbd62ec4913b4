"""A page, a page that blocks, and what c10kws serves beside them."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

import c10kws
from c10kws import WebSocket, websocket

ROWS = [(f"Entry {number}", number * number) for number in range(1, 21)]
CONNECTIONS: set[WebSocket] = set()


def page(request: HttpRequest) -> HttpResponse:
    """Render a template with the user in it, through the whole middleware."""
    return render(request, "page.html", {"rows": ROWS})


def slow(request: HttpRequest) -> HttpResponse:
    """Block a thread for 50 ms, as a slow query would."""
    time.sleep(0.05)
    return HttpResponse("slow\n")


@websocket
async def echo(ws: WebSocket) -> None:
    """Send every message back."""
    async for message in ws:
        await ws.write_message(message)


@websocket
async def idle(ws: WebSocket) -> None:
    """Wait, with request and user at hand."""
    async for _ in ws:
        pass


@websocket(keep_request=False)
async def light(ws: WebSocket) -> None:
    """Wait, with nothing at hand."""
    async for _ in ws:
        pass


@websocket
async def broadcast(ws: WebSocket) -> None:
    """Send every message to everybody, the one who said it too."""
    CONNECTIONS.add(ws)
    try:
        async for message in ws:
            send_to_all(message)
    finally:
        CONNECTIONS.discard(ws)


def send_to_all(message: str | bytes) -> None:
    """Use ``c10kws.broadcast`` where it exists."""
    if hasattr(c10kws, "broadcast"):
        c10kws.broadcast(CONNECTIONS, message)
    else:
        for ws in CONNECTIONS:
            ws.write_message(message)
