"""The websockets library's asyncio server."""

from __future__ import annotations

import logging

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.asyncio.server import serve as listen
from websockets.exceptions import ConnectionClosed

from .loops import BACKLOG, serve

CONNECTIONS: set[ServerConnection] = set()


async def handler(connection: ServerConnection) -> None:
    """Echo each message or, on that path, send it to all clients."""
    assert connection.request is not None
    if connection.request.path == "/ws/broadcast/":
        await broadcaster(connection)
        return
    try:
        async for message in connection:
            await connection.send(message)
    except ConnectionClosed:
        pass


async def broadcaster(connection: ServerConnection) -> None:
    """Send each message to all clients."""
    CONNECTIONS.add(connection)
    try:
        async for message in connection:
            broadcast(CONNECTIONS, message)
    finally:
        CONNECTIONS.discard(connection)


async def main(port: int) -> None:
    """Serve until cancelled."""
    logging.disable(logging.CRITICAL)
    async with listen(handler, "127.0.0.1", port, compression=None, backlog=BACKLOG) as server:
        await server.serve_forever()


if __name__ == "__main__":
    serve(main)
