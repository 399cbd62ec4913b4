"""Frames after our Close: discarded up to the Close of the peer (RFC 6455 §7.1)."""

from __future__ import annotations

import itertools
import tracemalloc

import pytest
from tornado.speedups import websocket_mask

from c10kws.protocol.closing import Close, State
from c10kws.protocol.discarding import Discarder
from tests.support.frames import BINARY, CONTINUATION, PING, TEXT, close_frame, frame
from tests.support.streams import RSV1

LATE = b"".join(
    [
        frame(TEXT, b"late"),
        frame(BINARY, b"x" * 200),
        frame(PING, b"?"),
        frame(TEXT, b"\xff"),  # the payload is not looked at
        frame(CONTINUATION, b"of nothing", fin=False),
        frame(RSV1 | BINARY, b"y" * 5),
    ]
)


def test_frames_are_discarded_up_to_the_close() -> None:
    discarder = Discarder(0, websocket_mask)
    assert discarder.discard(LATE) is None
    assert discarder.discard(close_frame(3000, "bye")) == (State.CLOSED, Close(3000, "bye"))


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_a_cut_changes_nothing(step: int) -> None:
    discarder = Discarder(0, websocket_mask)
    data = LATE + frame(BINARY, b"z" * 70_000) * (step > 3) + close_frame(1000)
    *pieces, last = (data[start : start + step] for start in range(0, len(data), step))
    for piece in pieces:
        assert discarder.discard(piece) is None
    assert discarder.discard(last) == (State.CLOSED, Close(1000))


@pytest.mark.parametrize("cut", [0, 1, 4, 5])
def test_the_rest_of_a_frame_is_skipped_first(cut: int) -> None:
    rest = close_frame(3000)[:5]  # payload that looks like a Close
    discarder = Discarder(len(rest), websocket_mask)
    assert discarder.discard(rest[:cut]) is None
    assert discarder.discard(rest[cut:]) is None
    assert discarder.discard(close_frame(4000)) == (State.CLOSED, Close(4000))


@pytest.mark.parametrize(
    "broken", [frame(3), b"\x81\x00", frame(PING, fin=False), close_frame(1005), frame(8, b"x")]
)
def test_a_broken_frame_fails(broken: bytes) -> None:
    end = Discarder(0, websocket_mask).discard(frame(TEXT, b"late") + broken)
    assert end == (State.FAILED, Close(1002, "protocol error"))


def test_payloads_are_not_kept() -> None:
    discarder = Discarder(0, websocket_mask)
    piece = bytes(1024)
    head = b"\x82\xff" + (1024 * 1024).to_bytes(8, "big") + bytes(4)
    tracemalloc.start()
    try:
        for data in itertools.chain([head], [piece] * 1024):
            assert discarder.discard(data) is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20_000
    assert discarder.discard(close_frame(1000)) == (State.CLOSED, Close(1000))
