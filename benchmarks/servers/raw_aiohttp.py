"""aiohttp's server."""

from __future__ import annotations

import asyncio
import logging

from aiohttp import WSMsgType, web

from .loops import BACKLOG, serve

CONNECTIONS: set[web.WebSocketResponse] = set()


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Echo each message."""
    connection = web.WebSocketResponse(compress=False)
    await connection.prepare(request)
    async for message in connection:
        if message.type is WSMsgType.TEXT:
            await connection.send_str(message.data)
        elif message.type is WSMsgType.BINARY:
            await connection.send_bytes(message.data)
    return connection


async def broadcast(request: web.Request) -> web.WebSocketResponse:
    """Send each message to all clients."""
    connection = web.WebSocketResponse(compress=False)
    await connection.prepare(request)
    CONNECTIONS.add(connection)
    try:
        async for message in connection:
            for other in list(CONNECTIONS):
                await other.send_str(message.data)
    finally:
        CONNECTIONS.discard(connection)
    return connection


async def page(request: web.Request) -> web.Response:
    """Respond with a line."""
    return web.Response(text="hello\n")


async def main(port: int) -> None:
    """Serve until cancelled."""
    logging.disable(logging.CRITICAL)
    application = web.Application()
    for path in ("/ws/echo/", "/ws/idle/", "/ws/light/"):
        application.router.add_get(path, echo)
    application.router.add_get("/ws/broadcast/", broadcast)
    application.router.add_get("/", page)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=BACKLOG).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    serve(main)
