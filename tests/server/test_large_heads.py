"""Heads over the limit are answered with 431, whatever else the client sends before it reads."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import trustme

from tests.support.applications import hello
from tests.support.peers import Client, Response, wrap_tls
from tests.support.servers import LiveServer
from tests.support.tlssockets import client_context

Serve = Callable[..., LiveServer]
Connect = Callable[[], Client]

LINE = b"GET /large HTTP/1.1\r\nHost: a\r\n"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#: Over the limit of 64 KiB, with an end: such a head is parsed.
COMPLETE = LINE + b"X-A: " + b"a" * 70_000 + b"\r\n\r\n"
#: Over twice the limit: such a head is not parsed.
ENDLESS = LINE + b"X-A: " + b"a" * 140_000
MANY = LINE + b"X-A: b\r\n" * 20_000
TARGET = b"GET /" + b"a" * 200_000
#: More than the buffers of the kernel hold, so the server has not read all of it when it answers.
FOLLOWING = bytes(4_000_000)
HEADS = {"complete": COMPLETE, "endless": ENDLESS, "many": MANY, "target": TARGET}


@pytest.fixture(params=["plain", "TLS"])
def connect(request: pytest.FixtureRequest, serve: Serve) -> Iterator[Connect]:
    """Connect to a server, plain or with TLS."""
    if request.param == "plain":
        yield serve(hello).client
        return
    authority = trustme.CA()
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(server_side)
    client_side = client_context(authority)
    live = serve(hello, ssl_context=server_side)
    yield lambda: wrap_tls(live.client(), client_side)


def read_refusal(client: Client) -> Response:
    """Return the response and check that it is the last."""
    response = client.read_response()
    assert (response.status, response["connection"]) == (431, "close")
    return response


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_at_once(connect: Connect, head: bytes) -> None:
    with connect() as client:
        client.send(head)
        read_refusal(client)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_in_pieces(connect: Connect, head: bytes) -> None:
    with connect() as client:
        for start in range(0, len(head), 9973):
            client.send(head[start : start + 9973])
        read_refusal(client)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_behind_other_requests(connect: Connect, head: bytes) -> None:
    with connect() as client:
        client.send(GET * 3 + head)
        assert [client.read_response().status for _ in range(3)] == [200] * 3
        read_refusal(client)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_with_much_data_behind_it(connect: Connect, head: bytes) -> None:
    """The client sends all of it, and only then reads: nothing may reset the connection before."""
    with connect() as client:
        client.send(head + FOLLOWING)
        read_refusal(client)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_with_other_requests_behind_it(connect: Connect, head: bytes) -> None:
    with connect() as client:
        client.send(head + GET * 10_000)
        read_refusal(client)


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
def test_from_a_client_that_closes_its_half(serve: Serve, head: bytes) -> None:
    with serve(hello).client() as client:
        client.send(head + GET * 5000)
        client.socket.shutdown(socket.SHUT_WR)
        read_refusal(client)
        assert client.read_to_end() == b""


def test_from_a_client_that_does_not_stop(connect: Connect) -> None:
    """The response arrives while the client is still sending."""
    with connect() as client:
        over = threading.Event()

        def send() -> None:
            with suppress(OSError):
                client.send(COMPLETE)
                while not over.is_set():
                    client.send(bytes(10_000))

        thread = threading.Thread(target=send)
        thread.start()
        try:
            read_refusal(client)
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", b"nonsense\r\n\r\n"])
def test_another_refusal_with_much_data_behind_it(connect: Connect, request_: bytes) -> None:
    with connect() as client:
        client.send(request_ + FOLLOWING)
        assert client.read_response().status == 400
