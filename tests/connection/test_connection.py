"""``WebSocket`` against raw sockets: peers that do what no client library lets one do."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.project import views
from tests.support.frames import BINARY, CLOSE, CONTINUATION, TEXT, close_frame, frame
from tests.support.peers import opened
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


def test_frames_that_came_with_the_request_are_not_lost(live: LiveServer) -> None:
    early = b"".join(frame(TEXT, str(number).encode()) for number in range(500))
    with opened(live, "/ws/echo/", early) as peer:
        peer.socket.sendall(frame(TEXT, b"last"))
        for number in range(500):
            assert peer.read_frame() == (TEXT, str(number).encode())
        assert peer.read_frame() == (TEXT, b"last")


def test_a_whole_conversation_in_one_segment(live: LiveServer) -> None:
    views.collected.clear()
    with opened(live, "/ws/collect/", frame(TEXT, b"hi") + close_frame(1000, "bye")) as peer:
        assert peer.read_frame() == (CLOSE, b"\x03\xe8bye")
        assert peer.read_to_end() == b""
    eventually(lambda: views.collected == ["hi", "end"])


@pytest.mark.parametrize(
    ("last", "answer"),
    [
        (close_frame(1000, "bye"), b"\x03\xe8bye"),
        (frame(3), b"\x03\xeaprotocol error"),
        (frame(TEXT, b"\xff"), b"\x03\xefdata that is not valid"),
    ],
)
@pytest.mark.parametrize("fast_lane", [True, False])
def test_what_came_before_the_end_in_one_segment_is_answered_first(
    live: LiveServer, settings: Any, fast_lane: bool, last: bytes, answer: bytes
) -> None:
    settings.C10KWS = {"FAST_LANE": fast_lane, "CLOSE_TIMEOUT": 0.2}
    with opened(live, "/ws/echo/") as peer:
        peer.socket.sendall(frame(TEXT, b"one") + frame(BINARY, b"two") + last + frame(TEXT))
        assert peer.read_frame() == (TEXT, b"one")
        assert peer.read_frame() == (BINARY, b"two")
        assert peer.read_frame() == (CLOSE, answer)


def test_one_byte_at_a_time(live: LiveServer) -> None:
    with opened(live, "/ws/echo/") as peer:
        peer.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(TEXT, "né".encode(), fin=False) + frame(CONTINUATION, b"!"):
            peer.socket.sendall(bytes([byte]))
        assert peer.read_frame() == (TEXT, "né!".encode())


def test_data_after_a_close_is_not_delivered(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    with opened(live, "/ws/echo/") as peer:
        peer.socket.sendall(close_frame(1000) + frame(TEXT, b"late") + b"\xff\xff")
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")
    eventually(lambda: "WebSocket /ws/echo/" in caplog.text)
    assert "1000 received 0 sent 0" in caplog.text


def test_a_broken_frame_is_answered_and_the_rest_thrown_away(live: LiveServer) -> None:
    with opened(live, "/ws/echo/") as peer:
        peer.socket.sendall(frame(3) + frame(TEXT, b"x") * 1000)
        assert peer.read_frame() == (CLOSE, b"\x03\xeaprotocol error")
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.read_to_end() == b""


def test_a_peer_that_never_answers_a_close_is_let_go(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"CLOSE_TIMEOUT": 0.2}
    with opened(live, "/ws/closing/4000/") as peer:
        assert peer.read_frame() == (CLOSE, b"\x0f\xa0as asked")
        with pytest.raises(ConnectionResetError):
            peer.read_to_end()
            raise ConnectionResetError  # a plain end of file is as good


def test_a_half_closed_connection_ends(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "c10kws.access")
    with opened(live, "/ws/echo/", frame(TEXT, b"hi")) as peer:
        assert peer.read_frame() == (TEXT, b"hi")
        peer.socket.shutdown(socket.SHUT_WR)
        assert peer.read_to_end() == b""
    eventually(lambda: '"WebSocket /ws/echo/" 1006 received 1' in caplog.text)


def test_a_peer_that_vanishes_after_its_messages_has_them_handled(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    views.collected.clear()
    with opened(live, "/ws/collect/") as peer:
        peer.socket.sendall(b"".join(frame(TEXT, b"%d" % number) for number in range(100)))
    eventually(lambda: views.collected[-1:] == ["end"])
    assert views.collected == [*(str(number) for number in range(100)), "end"]


def test_a_cancelled_read_loses_no_message(live: LiveServer) -> None:
    with opened(live, "/ws/impatient/") as peer:
        for number in range(20):
            peer.socket.sendall(frame(TEXT, b"%d" % number))
            assert peer.read_frame() == (TEXT, b"%d" % number)


def test_a_second_reader_is_refused(live: LiveServer) -> None:
    with opened(live, "/ws/two-readers/") as peer:
        assert peer.read_frame() == (TEXT, b"RuntimeError")
        peer.socket.sendall(frame(TEXT, b"first"))
        assert peer.read_frame() == (TEXT, b"first")


def test_an_await_on_another_loop_is_refused_but_the_message_goes_out(live: LiveServer) -> None:
    with opened(live, "/ws/other-loop/") as peer:
        assert {peer.read_frame()[1], peer.read_frame()[1]} == {b"sent", b"RuntimeError"}


def test_writes_after_the_end_are_counted_and_an_awaited_one_says_so(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    views.collected.clear()
    with opened(live, "/ws/write-after-end/") as peer:
        peer.socket.sendall(close_frame(3000, "enough"))
        assert peer.read_frame()[0] == CLOSE
    eventually(lambda: "dropped 2" in caplog.text)
    assert views.collected == ["ConnectionClosed 3000 enough"]


@pytest.mark.parametrize("path", ["/ws/flood/", "/ws/flood-from-thread/"])
def test_a_client_that_does_not_read_is_closed_with_1013(
    make_live: Callable[..., LiveServer],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    path: str,
) -> None:
    settings.C10KWS = {"CLOSE_TIMEOUT": 0.2, "MAX_QUEUE_BYTES": 100_000}
    caplog.set_level("INFO", "c10kws.access")
    live = make_live()
    with opened(live, path):
        eventually(lambda: f'"WebSocket {path}" 1013' in caplog.text)
    assert "Closing slow client" in caplog.text


def test_an_awaited_flood_waits_for_the_client(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"MAX_QUEUE_BYTES": 200_000, "PING_INTERVAL": None}
    with opened(live, "/ws/patient-flood/") as peer:
        for number in range(1000):
            opcode, payload = peer.read_frame()
            assert (opcode, payload[:8]) == (BINARY, b"%08d" % number)
        assert peer.read_frame() == (CLOSE, b"\x03\xe8")


def test_a_client_ahead_of_its_handler_is_held_back_and_loses_nothing(live: LiveServer) -> None:
    views.gate.clear()
    with opened(live, "/ws/slow-start/") as peer:
        message = frame(BINARY, b"x" * 60_000)
        peer.socket.settimeout(1)
        sent = 0
        with pytest.raises(TimeoutError):  # the server stops reading and TCP fills up
            while True:
                sent += peer.socket.send(message[sent % len(message) :])
        peer.socket.settimeout(WAIT)
        views.gate.set()
        if sent % len(message):
            peer.socket.sendall(message[sent % len(message) :])
        whole = -(-sent // len(message))
        peer.socket.sendall(frame(TEXT, b"count"))
        assert peer.read_frame() == (TEXT, b"%d" % whole)
