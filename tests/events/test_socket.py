"""A client that its callbacks use after the end of its connection."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from c10kws import ConnectionClosed
from c10kws.connection.watchdog import MAX_LATE_USES
from c10kws.events import EventSocket, Socket
from tests.support.events import Connect
from tests.support.waiting import eventually


@pytest.mark.parametrize("kind", ["async", "sync", "child"])
def test_a_callback_that_emits_repeatedly_after_the_end_is_cancelled(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    ended: list[int] = []

    def emit_for_ever(socket: Socket) -> None:
        while True:
            try:
                socket.emit("tick")
            except Exception:
                ended.append(1)

    async def emit_in_a_coroutine(socket: Socket) -> None:
        emit_for_ever(socket)

    @chat.on
    async def tick(socket: Socket) -> None:
        await socket.connection.wait_closed()
        if kind == "sync":
            await sync_to_async(emit_for_ever)(socket)
        elif kind == "child":
            await asyncio.create_task(emit_in_a_coroutine(socket))
        emit_for_ever(socket)

    @chat.on
    def close() -> None:
        ended.append(0)

    with connect() as client:
        client.send("tick")
    eventually(lambda: ended[-1:] == [0])
    assert ended == [1] * MAX_LATE_USES + [0]
    assert "used its connection 100 times after the end" in caplog.text


def test_a_loop_over_disconnected_clients_is_not_cancelled(
    chat: EventSocket, connect: Connect
) -> None:
    left: list[Socket] = []

    @chat.on
    def leave(socket: Socket) -> None:
        left.append(socket)

    @chat.on
    def tell() -> int:
        failed = 0
        for _ in range(2 * MAX_LATE_USES):
            try:
                left[0].emit("tick")
            except ConnectionClosed:
                failed += 1
        return failed

    with connect() as client:
        client.send("leave")
    eventually(lambda: bool(left) and left[0].closed)
    with connect() as client:
        assert client.ask("tell") == 2 * MAX_LATE_USES
