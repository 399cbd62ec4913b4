"""Many clients at once that send their requests as slowly as they can."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from c10kws_tornado import Limits
from tests.support.applications import read_body
from tests.support.logs import messages
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.waiting import eventually

Serve = Callable[..., LiveServer]

#: Clients of each kind.
EACH = 80
GET = "GET / HTTP/1.1\nHost: a\n\n"
POST = "POST / HTTP/1.1\nHost: a\n"
HANDSHAKE = "GET /ws HTTP/1.1\nHost: a\nUpgrade: websocket\nConnection: Upgrade\n"
#: The beginning of a request, the bytes that follow one at a time, and the text of the 408.
KINDS = {
    "a head that stalls": (
        "GET / HTTP/1.1\nHost: a\n",
        b"",
        b"The request line and headers",
    ),
    "a head byte by byte": ("GET / HTTP/1.1\nX-A: ", b"a", b"The request line and headers"),
    "a handshake byte by byte": (HANDSHAKE, b"a", b"The request line and headers"),
    "a body that stalls": (POST + "Content-Length: 9\n\na", b"", b"The request body did not"),
    "a body byte by byte": (POST + "Content-Length: 9000\n\n", b"a", b"The request body did not"),
    "chunks byte by byte": (
        POST + "Transfer-Encoding: chunked\n\n2328\n",
        b"a",
        b"The request body",
    ),
}


@contextmanager
def dripping(clients: list[tuple[Client, bytes]]) -> Iterator[None]:
    """Send a byte to each server now and then, until the block ends."""
    over = threading.Event()

    def drip() -> None:
        while not over.wait(0.05):
            for client, byte in clients:
                with suppress(OSError):
                    client.send(byte)

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_slow_requests_end_with_408(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """None of them holds a thread: pages are served meanwhile."""
    caplog.set_level(logging.INFO, "c10kws_tornado")
    limits = Limits(idle_timeout=1.0, read_timeout=1.0, linger_timeout=0.2)
    live = serve(read_body, limits=limits, threads=1)
    with ExitStack() as stack:
        clients: list[tuple[Client, bytes, bytes]] = []
        for begin, byte, text in [*KINDS.values()] * EACH:
            client = stack.enter_context(live.client())
            client.send(begin)
            clients.append((client, byte, text))
        with dripping([(client, byte) for client, byte, _ in clients if byte]):
            with live.client() as other:
                assert other.get().status == 200
            for client, _, text in clients:
                response = client.read_response()
                assert (response.status, response["connection"]) == (408, "close")
                assert response.body.startswith(text)
        eventually(lambda: live.server.connections == live.server.requests == 0)
    for logger, text in LINES.items():
        eventually(lambda: count(caplog, logger, text) >= len(clients))  # noqa: B023
    live.stop()
    for logger, text in LINES.items():
        assert count(caplog, logger, text) == len(clients)


#: The lines of a slow request, and their loggers.
LINES = {"c10kws_tornado.access": " 408 ", "c10kws_tornado": "did not arrive in time"}


def count(caplog: pytest.LogCaptureFixture, logger: str, text: str) -> int:
    return sum(text in line for line in messages(caplog, logger))


def test_silent_connections_are_closed(serve: Serve) -> None:
    """They ask for nothing, so they get no 408."""
    live = serve(read_body, limits=Limits(idle_timeout=1.0))
    with ExitStack() as stack:
        clients = []
        for number in range(2 * EACH):
            clients.append(stack.enter_context(live.client()))
            if number % 2:  # while it is new: those before it may be closed already
                assert clients[-1].get().status == 200
        for client in clients:
            assert client.read_to_end() == b""
        eventually(lambda: live.server.connections == 0)
