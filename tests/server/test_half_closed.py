"""Clients that close their half of the connection after their request."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado.raw.sockettransport import SocketTransport
from tests.support.applications import read_body
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
GET = "GET / HTTP/1.1\nHost: a\n\n"
POST = "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello"
CHUNKED = "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n"


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("request_", [GET, POST, CHUNKED, GET + POST + CHUNKED])
def test_a_client_that_closes_its_half_gets_its_responses(
    serve: Serve, request_: str, at_once: bool
) -> None:
    live = serve(read_body)
    with live.client() as client:
        for piece in [request_] if at_once else [request_[:-9], request_[-9:]]:
            client.send(piece)
        client.socket.shutdown(socket.SHUT_WR)
        for _ in range(request_.count("Host")):
            assert client.read_response().status == 200
        assert client.read_to_end() == b""
    eventually(lambda: live.server.connections == live.server.requests == 0)


def test_the_loop_rests_while_a_client_that_closed_its_half_waits(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads, running, may_end = [], threading.Event(), threading.Event()
    read = SocketTransport._read_into_buffer

    def count(self: SocketTransport) -> None:
        reads.append(self)
        read(self)

    def wait(environ: dict[str, Any], start_response: Any) -> Any:
        running.set()
        assert may_end.wait(WAIT)
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"a" * 300_000, b"b" * 300_000])

    monkeypatch.setattr(SocketTransport, "_read_into_buffer", count)
    live = serve(wait)
    with live.client() as client:
        client.send(GET)
        assert running.wait(WAIT)
        client.socket.shutdown(socket.SHUT_WR)
        eventually(lambda: len(reads) >= 2)  # the request, and its end
        for _ in range(50):
            live.on_loop(lambda: None)
        assert len(reads) < 10
        may_end.set()
        assert client.read_response().body == b"a" * 300_000 + b"b" * 300_000
        assert client.read_to_end() == b""
    assert len(reads) < 50


def test_a_view_in_a_thread_learns_that_its_client_left(serve: Serve) -> None:
    closed = threading.Event()

    class Endless:
        def __iter__(self) -> Any:
            while True:
                yield b"x" * 100

        def close(self) -> None:
            closed.set()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return Endless()

    with serve(application).client() as client:
        client.send(GET)
        client.read_head()
    assert closed.wait(WAIT)
