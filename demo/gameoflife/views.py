"""The page of the game, and two WebSockets: for a cell, and for the page."""

from __future__ import annotations

import asyncio

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from c10kws import WebSocket, websocket

from .messages import MAX_MESSAGE, URL, Refusal, parse_names, parse_state
from .relay import Publisher, Relay

#: Seconds between two pictures, which is short enough for the eye.
PAUSE = 0.1

relay = Relay()


def grid_page(request: HttpRequest) -> HttpResponse:
    """Render the page, with the commands for this server."""
    scheme = "wss" if request.is_secure() else "ws"
    url = f"{scheme}://{request.get_host()}{reverse('gameoflife-watch')}"
    option = "" if url == URL else f" --url {url}"
    return render(request, "gameoflife/grid.html", {"option": option})


@websocket(load_user=False, keep_request=False, max_message_size=MAX_MESSAGE)
async def cell(ws: WebSocket, row: int, column: int) -> None:
    """Serve a cell. It sends the cells to listen to, then its state in each step."""
    try:
        await serve(relay.enter((row, column), ws))
    except Refusal as refusal:
        ws.close(refusal.code, refusal.reason)


async def serve(publisher: Publisher) -> None:
    """Relay the messages of a cell until it disconnects or is refused."""
    ws = publisher.websocket
    try:
        relay.listen(publisher, parse_names(await ws.read_message()))
        async for message in ws:
            relay.publish(publisher, *parse_state(message))
    finally:
        relay.leave(publisher)


@websocket(load_user=False, keep_request=False, max_message_size=MAX_MESSAGE)
async def watch(ws: WebSocket) -> None:
    """Send a picture when it has changed.

    Each picture is complete, so a slow client gets fewer of them and delays no other client.
    """
    seen = ""
    while not ws.closed:
        if ws.pending:
            ws.close(4400, "this WebSocket accepts no messages")
        picture = relay.look()
        if picture != seen:
            await ws.write_message(picture)
        seen = picture
        await asyncio.sleep(PAUSE)
