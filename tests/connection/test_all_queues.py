"""The queues of all connections of the process, which have one limit together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from c10kws import WebSocket, broadcast
from c10kws.connection import slow_clients
from c10kws.connection.total_queue import total_queue
from c10kws.connection.websocket import connection_of
from tests.differences import asyncio_pauses_writers
from tests.project.frames_views import connections, play
from tests.support.connections import cork, paused, queued
from tests.support.frames import TEXT
from tests.support.peers import Peer
from tests.support.servers import LiveServer
from tests.support.slowpeers import MIB, PLAIN, Dial, slow_peer, stay, write_and_stay
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.usefixtures("nothing_is_left")


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    """Frames are counted here: leave the Pings out."""
    settings.C10KWS = {"PING_INTERVAL": None}


def open_slow_peers(dial: Dial, stack: ExitStack, count: int) -> list[Peer]:
    peers = []
    for number in range(count):
        peers.append(stack.enter_context(dial()))
        eventually(lambda number=number: len(connections) > number)  # type: ignore[misc]
    return peers


def on_loop(function: Callable[..., Any], *arguments: Any) -> Any:
    async def call() -> Any:
        return function(*arguments)

    loop = connection_of(connections[0]).loop_state.loop
    return asyncio.run_coroutine_threadsafe(call(), loop).result(WAIT)


@pytest.mark.parametrize("where", ["loop", "thread"])
def test_a_broadcast_counts_once_for_all_slow_clients(
    dial: Dial, settings: Any, where: str
) -> None:
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 16 * MIB, "MAX_TOTAL_QUEUE_BYTES": 16 * MIB}
    settings.C10KWS |= {"FAST_LANE": True}  # wsproto makes a frame for each connection

    def cast() -> None:
        for _ in range(3):
            broadcast(connections, bytes(5 * MIB))

    play(stay)
    with ExitStack() as stack:
        peers = open_slow_peers(dial, stack, 5)
        if where == "loop":
            on_loop(cast)
        else:
            cast()
        eventually(lambda: all(paused(ws) for ws in connections))
        assert 5 * MIB < total_queue.size < 16 * MIB
        assert [ws.closed for ws in connections] == [False] * 5
        for peer in peers:
            assert [len(peer.read_frame()[1]) for _ in range(3)] == [5 * MIB] * 3


@pytest.mark.parametrize("where", ["loop", "thread"])
def test_the_longest_queues_are_closed_when_all_are_too_long(
    dial: Dial,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
    where: str,
) -> None:
    if "asyncio" in request.node.name and not asyncio_pauses_writers:
        pytest.skip("asyncio of this Python does not pause writers after writelines()")
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 64 * MIB, "MAX_TOTAL_QUEUE_BYTES": 28 * MIB}
    sizes = [9, 8, 24, 8]  # the kernel takes some of it

    def write(large: bool) -> None:
        for ws, size in zip(connections, sizes, strict=True):
            if large:
                ws.write_message(bytes(8 * MIB))
            else:
                for _ in range(size - 8):
                    ws.write_message(bytes(MIB))

    play(stay)
    with ExitStack() as stack:
        peers = open_slow_peers(dial, stack, 4)
        on_loop(write, True)
        if where == "loop":
            on_loop(write, False)
        else:
            write(False)
        eventually(lambda: connections[2].close_code == 1013)
        assert [ws.closed for ws in connections] == [False, False, True, False]
        assert connections[2].dropped > 0
        assert "more than 29360128 bytes queued for all clients" in caplog.text
        for peer, size in zip(peers, sizes, strict=True):
            if size < 24:
                assert len(peer.read_frame()[1]) == 8 * MIB


@pytest.mark.parametrize("end", ["stays", "returns", "overflows"])
def test_what_connections_that_are_closing_have_unsent_counts_too(
    dial: Dial, settings: Any, end: str
) -> None:
    """Unsent data stays in memory up to CLOSE_TIMEOUT, while new clients need as much."""
    settings.C10KWS |= {"MAX_TOTAL_QUEUE_BYTES": 20 * MIB, "CLOSE_TIMEOUT": 10 * WAIT}

    async def handler(ws: WebSocket) -> None:
        ws.write_message(bytes(8 * MIB))
        if end == "overflows":
            for _ in range(3):
                ws.write_message(bytes(MIB))
        if end != "returns":
            await stay(ws)

    def unsent() -> int:
        return sum(cork(ws).unsent for ws in connections)

    play(handler)
    with ExitStack() as stack:
        for number in range(6):
            stack.enter_context(dial())
            eventually(lambda: len(connections) > number and connections[number].sent)  # noqa: B023
            eventually(lambda: on_loop(unsent) < 21 * MIB)
        assert total_queue.size <= 20 * MIB
        assert any(connection_of(ws).sender.detached for ws in connections)


def test_a_client_that_has_just_come_is_not_the_slow_one(dial: Dial, settings: Any) -> None:
    """The first writes of a handler wait for the transport, not for the client."""
    settings.C10KWS |= {"MAX_TOTAL_QUEUE_BYTES": 12 * MIB, "CLOSE_TIMEOUT": WAIT}
    play(write_and_stay)
    with dial(), ExitStack() as stack:
        eventually(lambda: connections and queued(connections[0]) > MIB)
        peer = stack.enter_context(dial())
        assert len(peer.read_frame()[1]) == 8 * MIB
        assert peer.read_frame() == (TEXT, b"behind")
        assert [ws.close_code for ws in connections] == [1013, None]


def test_many_slow_clients_cost_few_lines(
    live: LiveServer,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(slow_clients, "LOG_INTERVAL", 0.3)
    settings.C10KWS |= {"MAX_QUEUE_BYTES": 200_000}
    play(stay)

    def cast() -> None:
        while not connections[-1].closed:
            broadcast(connections, bytes(100_000))

    def lines() -> list[str]:
        return [each.getMessage() for each in caplog.records if each.name == "c10kws"]

    with ExitStack() as stack:
        open_slow_peers(lambda: slow_peer(live), stack, 20)
        on_loop(cast)
        eventually(lambda: len(lines()) == 2)
    assert lines() == [
        f"Closing slow client on {PLAIN}: more than 200000 bytes queued.",
        "Closed 19 more slow clients.",
    ]
