"""What the testsuite calls a testee: every message comes back as it was."""

from __future__ import annotations

from c10kws import websocket
from c10kws.connection.websocket import WebSocket


@websocket(compression=True)
async def echo(ws: WebSocket) -> None:
    """Send back every message until the client is gone."""
    async for message in ws:
        await ws.write_message(message)
