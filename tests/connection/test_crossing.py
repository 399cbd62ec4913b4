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
            pass

    def wait_for_the_peer() -> None:
        started.set()
        sent.wait(WAIT)
        loop.call_soon(block)  # the loop's next turn runs this, then reads the peer's end

    def block() -> None:
        blocked.set()
        done.wait(WAIT)

    play(handler)
    with opened(live, PLAIN) as peer:
        eventually(lambda: len(connections) == 1)
        peer.socket.sendall(frame(PING))  # from now on the loop reads it
        assert peer.read_frame() == (PONG, b"")
        ws = connections[0]
        loop = connection_of(ws).loop_state.loop
        loop.call_soon_threadsafe(wait_for_the_peer)
        assert started.wait(WAIT)
        peer.socket.sendall(end)
        sent.set()
        assert blocked.wait(WAIT)
        ws.close(4000, "ours")
        ws.write_message("late")
        done.set()
        assert peer.read_to_end() == b"\x88\x06\x0f\xa0ours"
        assert (ws.close_code, ws.dropped) == (4000, 1)
