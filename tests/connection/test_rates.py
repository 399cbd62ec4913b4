"""Clients that send faster than their rate allows."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from c10kws import WebSocket, websocket
from c10kws.connection.websocket import connection_of
from tests.project.frames_views import COMPRESSED, PLAIN, connections, echo, play
from tests.support.frames import BINARY, CLOSE, FIN, TEXT, close_frame, frame
from tests.support.peers import OFFER, opened, opened_with, read_all
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

pytestmark = pytest.mark.usefixtures("no_pings")

TOO_MANY = b"\x11\x4dmore than 3 messages in 1 h"


def test_messages_before_the_excess_are_answered(
    live: LiveServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"MESSAGE_RATE": "3/h"}
    play(echo)
    with opened(live, PLAIN, early=frame(TEXT, b"x") * 9) as peer:
        assert read_all(peer) == [*[(FIN | TEXT, b"x")] * 3, (FIN | CLOSE, TOO_MANY)]
        peer.socket.sendall(close_frame(4429))
        assert peer.read_to_end() == b""
    line = f"{PLAIN}: closing a client that sent more than 3 messages in 1 h."
    assert ("c10kws", logging.WARNING, line) in caplog.record_tuples


def test_a_handler_that_does_not_read_gets_them_later(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MESSAGE_RATE": "3/h"}
    read: list[object] = []

    async def wait_then_read(ws: WebSocket) -> None:
        connections.append(ws)
        await ws.wait_closed()
        read.extend([message async for message in ws])

    play(wait_then_read)
    with opened(live, PLAIN, early=frame(TEXT, b"x") * 9) as peer:
        assert read_all(peer) == [(FIN | CLOSE, TOO_MANY)]
        peer.socket.sendall(close_frame(4429))
        assert peer.read_to_end() == b""
    live.stop()
    assert read == ["x"] * 3


def test_compressed_messages_count_when_they_are_read(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MESSAGE_RATE": "3/h"}
    play(echo)
    with opened_with(live, COMPRESSED, OFFER) as peer:
        peer.socket.sendall((frame(TEXT, b"x", fin=False) + frame(0, b"y")) * 9)
        frames = read_all(peer)
    assert frames == [*[(FIN | TEXT, b"xy")] * 3, (FIN | CLOSE, TOO_MANY)]


def test_bytes(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"BYTE_RATE": "1/h", "MAX_MESSAGE_SIZE": 1000}
    play(echo)
    with opened(live, PLAIN) as peer:
        peer.socket.sendall(frame(BINARY, bytes(1000)))
        assert peer.read_frame() == (BINARY, bytes(1000))
        peer.socket.sendall(frame(BINARY, b"x"))
        assert peer.read_frame() == (CLOSE, b"\x11\x4dmore than 1 bytes in 1 h")


def test_a_slower_client_stays(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MESSAGE_RATE": "1000/s", "BYTE_RATE": "1MiB/s"}
    play(echo)
    with live.connect(PLAIN) as ws:
        for _ in range(500):
            ws.send("x")
            assert ws.recv(WAIT) == "x"
        assert connection_of(connections[-1]).sender.protocol.meter is not None


def test_nothing_is_measured_by_default(live: LiveServer) -> None:
    play(echo)
    with live.connect(PLAIN) as ws:
        ws.send("x")
        assert ws.recv(WAIT) == "x"
        assert connection_of(connections[-1]).sender.protocol.meter is None


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("rate", "20", "@websocket: rate: '20' is not a rate of messages; write for example"),
        ("byte_rate", "64K/s", "@websocket: byte_rate: '64K/s' is not a rate of bytes; write"),
    ],
)
def test_a_malformed_rate_is_an_error_where_it_is_written(
    option: str, value: str, message: str
) -> None:
    options: Any = {option: value}
    with pytest.raises(ValueError, match=message):
        websocket(**options)


@pytest.mark.parametrize("option", ["rate", "byte_rate"])
@pytest.mark.parametrize("value", [20, True, 1.5, b"20/s"])
def test_a_rate_is_a_str(option: str, value: object) -> None:
    options: Any = {option: value}
    with pytest.raises(TypeError, match=f"expected {option} to be a str such as"):
        websocket(**options)
