"""Two ends of one connection at once: a thread closes it while the peer does."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from c10kws import WebSocket
from c10kws.connection.websocket import connection_of
from tests.project.frames_views import connections, play
from tests.support.frames import PING, PONG, TEXT, close_frame, frame
from tests.support.peers import opened
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

PLAIN = "/ws/frames/plain/"


@pytest.fixture(autouse=True)
def unpinged(settings: Any) -> None:
    settings.C10KWS = {"PING_INTERVAL": None, "CLOSE_TIMEOUT": WAIT}


@pytest.mark.parametrize("end", [close_frame(3000), frame(3), frame(TEXT, b"\xff")])
def test_a_close_by_a_thread_crosses_that_of_the_peer(live: LiveServer, end: bytes) -> None:
    """The loop reads the peer's end while ours waits for its next turn: one Close is sent."""
    started, sent, blocked, done = (threading.Event() for _ in range(4))

    async def handler(ws: WebSocket) -> None:
        async for _ in ws:
            blocked.set()
            done.wait(WAIT)

    def hold_up() -> None:
        started.set()
        sent.wait(WAIT)

    play(handler)
    with opened(live, PLAIN) as blocking, opened(live, PLAIN) as peer:
        eventually(lambda: len(connections) == 2)
        for each in (blocking, peer):  # from now on the loop reads both
            each.socket.sendall(frame(PING))
            assert each.read_frame() == (PONG, b"")
        ws = connections[1]
        connection_of(ws).loop_state.loop.call_soon_threadsafe(hold_up)
        assert started.wait(WAIT)
        blocking.socket.sendall(frame(TEXT, b"block"))  # both are read in one turn of the loop
        peer.socket.sendall(end)
        sent.set()
        assert blocked.wait(WAIT)
        ws.close(4000, "ours")
        ws.write_message("late")
        done.set()
        assert peer.read_to_end() == b"\x88\x06\x0f\xa0ours"
        assert (ws.close_code, ws.dropped) == (4000, 1)
