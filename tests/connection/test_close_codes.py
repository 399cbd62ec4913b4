"""Close codes of a handler and of its client."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws import WebSocket
from tests.project.frames_views import PLAIN, echo, play
from tests.support.frames import CLOSE, close_frame, frame
from tests.support.peers import closed_with, opened
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.usefixtures("no_pings")


RESERVED = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535]


def test_codes_that_may_not_be_sent_are_refused_where_they_are_used(live: LiveServer) -> None:
    async def handler(ws: WebSocket) -> None:
        for code in (*RESERVED, -1, 70_000):
            with pytest.raises(ValueError, match=str(code)):
                ws.close(code)
        with pytest.raises(ValueError, match="123 bytes"):
            ws.close(1000, "x" * 124)
        with pytest.raises(ValueError, match="123 bytes"):
            ws.close(1000, "é" * 62)
        await ws.write_message("still open")
        await ws.close(1000, "é" * 61)

    play(handler)
    with live.connect(PLAIN) as ws:
        assert ws.recv(WAIT) == "still open"
        assert closed_with(ws) == (1000, "é" * 61)


@pytest.mark.parametrize("code", RESERVED)
def test_codes_that_may_not_be_sent_are_a_protocol_error_of_the_client(
    live: LiveServer, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    play(echo)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(close_frame(code))
        assert peer.read_frame() == (CLOSE, b"\x03\xeaprotocol error")
    eventually(lambda: f'"WebSocket {PLAIN}" 1002' in caplog.text)


@pytest.mark.parametrize(
    "code", [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 3000, 3999, 4000, 4999]
)
def test_codes_that_may_be_sent_go_there_and_back(live: LiveServer, code: int) -> None:
    async def handler(ws: WebSocket) -> None:
        async for _ in ws:
            await ws.close(code, "bye")

    play(handler)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(close_frame(code, "bye"))
        assert peer.read_frame() == (CLOSE, code.to_bytes(2, "big") + b"bye")
    with live.connect(PLAIN) as ws:
        ws.send("close")
        assert closed_with(ws) == (code, "bye")


def test_tcp_ends_when_the_peer_has_answered_the_close_of_a_failure(
    live: LiveServer, settings: Any
) -> None:
    """RFC 6455 §7.1.1: a client waits for the server to end TCP."""
    settings.C10KWS = {"CLOSE_TIMEOUT": WAIT}
    play(echo)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(frame(3))
        assert peer.read_frame() == (CLOSE, b"\x03\xeaprotocol error")
        peer.socket.sendall(close_frame(1002))
        peer.socket.settimeout(3)
        assert peer.read_to_end() == b""
