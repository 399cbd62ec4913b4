"""Connections behind a WebSocket, and connections without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from c10kws import WebSocket
from c10kws.conf import DEFAULTS
from c10kws.connection.connection import Connection
from c10kws.connection.cork import Cork
from c10kws.connection.inbox import Inbox
from c10kws.connection.websocket import connection_of


def inbox(ws: WebSocket) -> Inbox:
    return connection_of(ws).inbox


def cork(ws: WebSocket) -> Cork:
    return connection_of(ws).sender.cork


def queued(ws: WebSocket) -> int:
    """Return the bytes that wait for the client."""
    return connection_of(ws).sender.queued


def paused(ws: WebSocket) -> bool:
    """Return True while the client reads slowly."""
    return cork(ws).pause is not None


class FakeTransport(asyncio.Transport):
    """A transport that remembers what it was told; ``unsent`` bytes wait for the client."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.calls: list[str] = []
        self.unsent = 0
        self.high: int | None = None

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def writelines(self, pieces: Any) -> None:
        self.calls.append("writelines")
        self.writes.append(b"".join(pieces))

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.high = high

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.calls.append("write_eof")

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


class FakeStream:
    """A stream whose transport is a :class:`FakeTransport`, made by ``connect``."""

    upgraded = True

    def __init__(self) -> None:
        self.transport = FakeTransport()

    def attach(self, protocol_factory: Callable[[], asyncio.BaseProtocol]) -> None:
        self._protocol = protocol_factory()

    def connect(self) -> Connection:
        connection = cast(Connection, self._protocol)
        connection.connection_made(self.transport)
        return connection


def open_connection(**settings: Any) -> tuple[WebSocket, Connection, FakeTransport]:
    """Open a WebSocket without a socket; on a running loop."""
    stream = FakeStream()
    ws = WebSocket(stream, settings=replace(DEFAULTS, **settings))
    return ws, stream.connect(), stream.transport


def receive(connection: Connection, data: bytes) -> None:
    """Hand received bytes to the connection, as a transport does."""
    buffer = connection.get_buffer(len(data))
    buffer[: len(data)] = data
    connection.buffer_updated(len(data))


async def turn() -> None:
    """Let the callbacks run that are scheduled now, and those that they schedule."""
    for _ in range(3):
        await asyncio.sleep(0)
