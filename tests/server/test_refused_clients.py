"""Clients that the server refuses, and that read or send in their own time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from c10kws_tornado import Limits, bind
from tests.support.applications import TEXT, hello, read_body
from tests.support.peers import Client
from tests.support.servers import ADDRESS, LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
GET = "GET / HTTP/1.1\nHost: a\n\n"
REFUSED = "GET / HTTP/1.1\nHost: a b\n\n"


@pytest.fixture
def narrow() -> Iterator[socket.socket]:
    """A listening socket whose connections have a small buffer for their responses."""
    (listening,) = bind(ADDRESS, 0)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2048)
    yield listening
    listening.close()


def connect(narrow: socket.socket) -> Client:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    sock.connect(narrow.getsockname())
    return Client(sock)


def test_a_client_that_does_not_read_its_refusal_is_disconnected(
    serve_as_is: Serve, narrow: socket.socket
) -> None:
    """Some of these clients fill the kernel's buffer just before their refusal."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [TEXT])
        return [b"hello"]

    limits = Limits(send_timeout=0.3, linger_timeout=0.1)
    live = serve_as_is(application, listen=narrow, limits=limits)
    clients = [connect(narrow) for _ in range(60)]
    for number, client in enumerate(clients):
        client.send(GET * number + REFUSED)
    eventually(lambda: live.server.connections == live.server.requests == 0)
    for client in clients:
        client.close()


def test_a_client_that_does_not_read_its_503_is_disconnected(
    serve: Serve, narrow: socket.socket
) -> None:
    busy, may_end = threading.Event(), threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        busy.set()
        assert may_end.wait(WAIT)
        return hello(environ, start_response)

    limits = Limits(send_timeout=0.3, linger_timeout=0.1)
    live = serve(application, listen=narrow, limits=limits, threads=1, queue_size=1)
    first, second, hungry = (connect(narrow) for _ in range(3))
    first.send(GET)
    assert busy.wait(WAIT)
    second.send(GET)
    eventually(lambda: live.server.pool.queued == 1)
    hungry.send(GET * 200)
    eventually(lambda: live.server.connections == 2)
    may_end.set()
    assert [client.read_response().status for client in (first, second)] == [200, 200]
    for client in (first, second, hungry):
        client.close()


def test_a_client_that_sends_its_body_without_a_100_reads_its_refusal(serve: Serve) -> None:
    live = serve(read_body, limits=Limits(max_body_size=10))
    with live.client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 900000\n\n")
        client.peek()
        for _ in range(3):
            live.on_loop(lambda: None)
        for _ in range(9):
            client.send(bytes(100_000))
        assert client.read_response().status == 413
