"""Many sockets beside blocking pages: neither holds the other up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

from websockets.asyncio.client import ClientConnection, connect

from tests.project import views
from tests.support.database import OpenConnections
from tests.support.servers import LiveServer, server_threads
from tests.support.waiting import WAIT, eventually

SOCKETS = 1000
PAGES = 20
THREADS = 16


def test_a_thousand_sockets_echo_while_twenty_pages_block(
    make_live: Callable[..., LiveServer], open_connections: OpenConnections
) -> None:
    others = server_threads()
    live = make_live(threads=THREADS)
    views.gate.clear()
    with ThreadPoolExecutor(PAGES, "client") as clients:
        statuses = asyncio.run(sockets_beside_pages(live, clients, open_connections))
    assert statuses == [200] * PAGES
    assert len(server_threads() - others) <= THREADS  # a pool never ends a thread before it stops


async def sockets_beside_pages(
    live: LiveServer, clients: ThreadPoolExecutor, open_connections: OpenConnections
) -> list[int]:
    loop = asyncio.get_running_loop()
    sockets = await open_sockets(f"ws://127.0.0.1:{live.port}/ws/echo/")
    await loop.run_in_executor(None, eventually, lambda: open_connections() == 0)
    pages = [loop.run_in_executor(clients, get_blocked_page, live.port) for _ in range(PAGES)]
    await loop.run_in_executor(None, eventually, lambda: live.server.pool.busy == THREADS)
    try:
        for number in range(3):
            await asyncio.gather(*(echo(ws, f"round {number}") for ws in sockets))
        assert not any(page.done() for page in pages)
        assert open_connections() == 0
    finally:
        views.gate.set()
    statuses = await asyncio.gather(*pages)
    await asyncio.gather(*(ws.close() for ws in sockets))
    return statuses


async def open_sockets(url: str) -> list[ClientConnection]:
    sockets: list[ClientConnection] = []
    while len(sockets) < SOCKETS:
        sockets += await asyncio.gather(
            *(
                connect(url, compression=None, proxy=None, open_timeout=WAIT, ping_interval=None)
                for _ in range(50)
            )
        )
    return sockets


async def echo(ws: ClientConnection, message: str) -> None:
    await ws.send(message)
    assert await asyncio.wait_for(ws.recv(), WAIT) == message


def get_blocked_page(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=WAIT)
    try:
        connection.request("GET", "/blocked/")
        response = connection.getresponse()
        response.read()
        return response.status
    finally:
        connection.close()
