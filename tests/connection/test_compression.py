"""Compression of messages, from end to end."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from tests.project.frames_views import COMPRESSED, PLAIN, echo, play
from tests.support.frames import CLOSE, CONTINUATION, FIN, PING, PONG, TEXT, deflated, frame
from tests.support.peers import OFFER, opened_with, read_raw
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

pytestmark = pytest.mark.usefixtures("no_pings")


@pytest.mark.parametrize(
    ("setting", "path", "header"),
    [
        (False, PLAIN, None),
        (True, PLAIN, "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12"),
        ({"threshold": 0, "server_max_window_bits": 15}, PLAIN, "permessage-deflate; client_max"),
        ({"client_no_context_takeover": True}, PLAIN, "client_no_context_takeover"),
        ({"server_no_context_takeover": True}, PLAIN, "server_no_context_takeover"),
        (False, COMPRESSED, "permessage-deflate"),
        (True, "/ws/frames/uncompressed/", None),
        (True, "/ws/frames/narrow/", "permessage-deflate; server_max_window_bits=10"),
        (False, "/ws/frames/narrow/", "permessage-deflate; server_max_window_bits=10"),
    ],
)
def test_compression_of_the_settings_and_of_the_view(
    live: LiveServer, settings: Any, setting: Any, path: str, header: str | None
) -> None:
    settings.C10KWS = {"COMPRESSION": setting, "CLOSE_TIMEOUT": 0.2}
    play(echo)
    with live.connect(path, compression="deflate", max_size=None) as ws:
        assert ws.response is not None
        answer = ws.response.headers.get("Sec-WebSocket-Extensions")
        assert (answer is None) == (header is None)
        assert header is None or header in str(answer)
        for message in ("short", "", "lorem ipsum " * 500, b"\x00" * 500_000, b"", "é" * 1000):
            for _ in range(2):
                ws.send(message)
                assert ws.recv(WAIT) == message
        ws.send(["fragments ", "of ", "lorem " * 1000])
        assert ws.recv(WAIT) == "fragments of " + "lorem " * 1000


def test_a_client_that_offers_nothing_gets_nothing(live: LiveServer) -> None:
    play(echo)
    with live.connect(COMPRESSED, compression=None) as ws:
        assert ws.response is not None
        assert "Sec-WebSocket-Extensions" not in ws.response.headers
        ws.send("x" * 1000)
        assert ws.recv(WAIT) == "x" * 1000


def test_long_messages_are_compressed_and_short_ones_are_not(live: LiveServer) -> None:
    play(echo)
    with opened_with(live, COMPRESSED, OFFER) as peer:
        peer.socket.sendall(frame(TEXT, b"x" * 255) + frame(TEXT, b"x" * 256))
        assert read_raw(peer) == (FIN | TEXT, b"x" * 255)
        first, payload = read_raw(peer)
        assert first == FIN | 0x40 | TEXT
        assert len(payload) < 50
        inflated = zlib.decompressobj(-15).decompress(payload + b"\x00\x00\xff\xff")
        assert inflated == b"x" * 256


def test_a_ping_between_compressed_fragments_does_no_harm(live: LiveServer) -> None:
    play(echo)
    payload = deflated(b"lorem ipsum " * 1000)
    with opened_with(live, COMPRESSED, OFFER) as peer:
        for _ in range(2):
            peer.socket.sendall(
                frame(0x40 | TEXT, payload[:20], fin=False)
                + frame(PING, b"hi")
                + frame(CONTINUATION, payload[20:])
            )
            assert read_raw(peer) == (FIN | PONG, b"hi")
            first, answer = read_raw(peer)
            assert first == FIN | 0x40 | TEXT
            assert len(answer) < 500


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(0x40 | TEXT, b"\xff\xff\xff\xff"), 1007),  # no deflated data
        (frame(0x40 | PING, b"hi"), 1002),
        (frame(0x40 | TEXT, deflated(b"\xff")), 1007),
        (frame(TEXT, b"a", fin=False) + frame(0x40 | CONTINUATION, b"b"), 1002),
        (frame(0x20 | TEXT, b"a"), 1002),
    ],
)
def test_broken_compression_closes(live: LiveServer, data: bytes, code: int) -> None:
    play(echo)
    with opened_with(live, COMPRESSED, OFFER) as peer:
        peer.socket.sendall(data)
        opcode, payload = peer.read_frame()
        assert (opcode, payload[:2]) == (CLOSE, code.to_bytes(2, "big"))
