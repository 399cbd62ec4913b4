"""Clients that read slowly, and what is written to them."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import trustme

from c10kws import WebSocket

from .peers import Peer, handshake
from .servers import LiveServer
from .tlssockets import client_context
from .waiting import WAIT

PLAIN = "/ws/frames/plain/"
MIB = 1024 * 1024
#: Connects a client that reads slowly.
Dial = Callable[..., Any]


@contextmanager
def slow_peer(live: LiveServer, authority: trustme.CA | None = None) -> Iterator[Peer]:
    """Open a connection whose client has small buffers."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
        connection.settimeout(WAIT)
        connection.connect(("127.0.0.1", live.port))
        if authority is not None:
            context = client_context(authority)
            connection = context.wrap_socket(connection, server_hostname="localhost")
        connection.sendall(handshake(PLAIN))
        peer = Peer(connection)
        assert peer.read_head().startswith(b"HTTP/1.1 101 ")
        yield peer
        connection.close()


async def stay(ws: WebSocket) -> None:
    async for _ in ws:
        pass


async def write_and_stay(ws: WebSocket) -> None:
    ws.write_message(os.urandom(8 * MIB))
    ws.write_message("behind")
    ws.write_message("x" * 1000)
    await stay(ws)
