"""A page from a template, a tiny one, one that blocks, and WebSockets of c10kws."""

from __future__ import annotations

import time

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

import c10kws
from c10kws import WebSocket, websocket

ROWS = [(f"Entry {number}", number * number) for number in range(1, 21)]
CONNECTIONS: set[WebSocket] = set()


def page(request: HttpRequest) -> HttpResponse:
    """Render a template with the user, through the whole middleware."""
    return render(request, "page.html", {"rows": ROWS})


def tiny(request: HttpRequest) -> HttpResponse:
    """Respond with a line, through the whole middleware."""
    return HttpResponse("hello\n")


def slow(request: HttpRequest) -> HttpResponse:
    """Block a thread for 50 ms, as a slow query would."""
    time.sleep(0.05)
    return HttpResponse("slow\n")


@websocket
async def echo(ws: WebSocket) -> None:
    """Echo each message."""
    async for message in ws:
        await ws.write_message(message)


@websocket
async def idle(ws: WebSocket) -> None:
    """Wait, with request and user in memory."""
    async for _ in ws:
        pass


@websocket(keep_request=False)
async def light(ws: WebSocket) -> None:
    """Wait, without request and user."""
    async for _ in ws:
        pass


@websocket
async def broadcast(ws: WebSocket) -> None:
    """Send each message to all clients, including its sender."""
    CONNECTIONS.add(ws)
    try:
        async for message in ws:
            send_to_all(message)
    finally:
        CONNECTIONS.discard(ws)


def send_to_all(message: str | bytes) -> None:
    """Use ``c10kws.broadcast`` if it exists."""
    if hasattr(c10kws, "broadcast"):
        c10kws.broadcast(CONNECTIONS, message)
    else:
        for ws in CONNECTIONS:
            ws.write_message(message)
