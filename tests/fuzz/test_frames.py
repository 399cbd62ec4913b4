"""Random frames, valid and invalid, sent to a live server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.project.frames_views import echo, play
from tests.support.frames import CLOSE, CONTINUATION, FIN, INTERNAL_ERROR, PING, PONG
from tests.support.fuzz import check_settled, examples, read_frames, send_all, websocket
from tests.support.peers import OFFER, handshake
from tests.support.servers import LiveServer
from tests.support.streams import EXTENSIONS, LIMIT, Positions, Stream, cuts, streams

RSV1 = 0x40
#: Codes of the server's Close: its own, and those of the client that it returns.
OWN_CODES = {1000, 1002, 1007, 1008, 1009, 4429}


def check_frames(data: bytes, *, compressed: bool) -> None:
    """Check what a server sent after its 101 (RFC 6455 §5)."""
    frames = read_frames(data)
    for first, payload in frames:
        opcode = first & 0x0F
        assert opcode in (CONTINUATION, 1, 2, CLOSE, PING, PONG)
        assert not first & 0x30
        assert compressed or not first & RSV1
        assert first & FIN
        assert opcode < CLOSE or len(payload) <= 125
    for first, _ in frames[:-1]:
        assert first != FIN | CLOSE, "a frame after a Close"
    for first, payload in frames[-1:]:
        if first == FIN | CLOSE and payload:
            code = int.from_bytes(payload[:2], "big")
            assert (FIN | CLOSE, payload) != INTERNAL_ERROR
            assert code in OWN_CODES or 1000 <= code <= 1014 or 3000 <= code < 5000
            payload[2:].decode()


@pytest.mark.parametrize("rate", [None, "3/h"], ids=["unlimited", "limited"])
@pytest.mark.parametrize("extension", EXTENSIONS)
def test_frames(
    make_live: Callable[..., LiveServer],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    extension: str,
    rate: str | None,
) -> None:
    settings.C10KWS = {"MAX_MESSAGE_SIZE": LIMIT, "CLOSE_TIMEOUT": 1.0, "MESSAGE_RATE": rate}
    live = make_live()
    play(echo)
    offer = [] if extension == "plain" else [f"{OFFER.split(':')[0]}: {EXTENSIONS[extension]}"]
    head = handshake("/ws/frames/compressed/", *offer)

    @examples(60)
    @given(streams(extension), cuts)
    def scenario(stream: Stream, positions: Positions) -> None:
        pieces = stream.cut(0, len(stream.data), positions)
        with websocket(live.port, head) as client:
            send_all(client, pieces)
            check_frames(client.read_to_end(), compressed=bool(offer))

    scenario()
    check_settled(live, caplog)


@examples(100)
@given(st.binary(max_size=300))
def test_the_reader_of_these_tests_ends(data: bytes) -> None:
    assert (
        sum(len(payload) for _, payload in read_frames(bytes(each & 127 for each in data))) <= 300
    )
