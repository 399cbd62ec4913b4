"""The limit of all unsent responses: which clients are disconnected."""

from __future__ import annotations

from collections.abc import Callable

from c10kws_tornado.http.sendbuffers import SendBuffers


class Response:
    def __init__(self, buffers: SendBuffers, seconds_left: float) -> None:
        self.held = 0
        self.seconds_left = seconds_left
        self.reason = ""
        self._buffers = buffers

    def hold(self, size: int) -> Response:
        change, self.held = size - self.held, size
        self._buffers.change(self, change)
        return self

    def disconnect(self, reason: str) -> None:
        self.reason = reason
        self.hold(0)


def run(log: Callable[[], None]) -> None:
    log()


def test_the_slowest_is_disconnected_first() -> None:
    buffers = SendBuffers(1000, run)
    largest = Response(buffers, 1000).hold(700)
    slow = [Response(buffers, seconds).hold(300) for seconds in (30, 20, 10)]
    fast = Response(buffers, 0.1).hold(200)
    assert largest.reason  # the slowest of all
    assert not fast.reason and not any(each.reason for each in slow)
    assert buffers.size == sum(each.held for each in (fast, *slow)) == 1100


def test_the_largest_response_does_not_count() -> None:
    buffers = SendBuffers(1000, run)
    largest = Response(buffers, 1).hold(5000)
    other = Response(buffers, 30).hold(900)
    assert not largest.reason and not other.reason
    slow = Response(buffers, 99).hold(200)
    assert slow.reason == "the unsent responses of all clients exceeded 1000 bytes"
    assert not largest.reason


def test_half_full() -> None:
    buffers = SendBuffers(1000, run)
    response = Response(buffers, 1).hold(500)
    assert not buffers.half_full
    response.hold(501)
    assert buffers.half_full
    response.hold(0)
    assert buffers.size == 0 and not buffers.half_full
