"""Without free descriptors clients are refused, with a line a second, and accepting resumes."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado import accept
from tests.support.peers import Client, connect
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

pytest.importorskip("resource", reason="Windows has no limit of descriptors")

LIMIT = 120
PROGRAM = f"""
import logging, os, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, ({LIMIT // 2}, {LIMIT}))
from c10kws_tornado import Limits, bind, serve

def application(environ, start_response):
    with open(os.devnull):  # a descriptor is left for the application
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"page"]

logging.basicConfig(level=logging.WARNING, format="%(name)s %(message)s")
(sock,) = bind("127.0.0.1", 0)
print(sock.getsockname()[1], flush=True)
serve(application, sockets=[sock], limits=Limits(reserved_descriptors=int(sys.argv[1])))
"""


def is_shed(client: Client) -> bool:
    """Return True if the server has closed the connection without a response."""
    try:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        return client.socket.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("reserved", [32, 0])
def test_out_of_descriptors(popen: Callable[..., subprocess.Popen[str]], reserved: int) -> None:
    """Without a reserve, accept() fails with EMFILE; one descriptor is kept to refuse clients."""
    process = popen(sys.executable, "-c", PROGRAM, str(reserved))
    assert process.stdout is not None
    port = int(process.stdout.readline())
    clients = [connect(port) for _ in range(LIMIT)]
    served = [client for client in clients if not is_shed(client)]
    assert LIMIT / 2 < len(served) < LIMIT  # the soft limit was raised
    if reserved:  # accepted clients are served, even if the application opens a file
        client = served[0]
        client.read_until(b"0\r\n\r\n")  # all but the byte that the check has read
        assert client.get().body == b"page"
    for client in clients:
        client.close()
    for _ in range(1000):  # some meet the end of the old connections
        with connect(port) as client:
            if not is_shed(client):
                break
    else:
        pytest.fail("the server did not recover")
    process.terminate()
    _, errors = process.communicate(timeout=WAIT)
    assert process.returncode == 0
    said = errors.count("Out of file descriptors")
    assert 0 < said < LIMIT  # once a second, not in each turn of the loop
    assert errors.count(f"The limit of file descriptors is {LIMIT}, but the settings") == 1
    if reserved:
        assert len(errors.splitlines()) == said + 1


class FaultyListener:
    """A listening socket whose ``accept`` fails once, as on Linux after errors of the network."""

    def __init__(self, sock: socket.socket, error: OSError) -> None:
        self._sock = sock
        self._errors = [error]

    def accept(self) -> Any:
        if self._errors:
            raise self._errors.pop()
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.EPERM])
def test_accepting_goes_on_after_an_error(
    serve: Callable[..., LiveServer], number: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "c10kws_tornado")

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"page"]

    listen = socket.create_server(("127.0.0.1", 0))
    serve(application, listen=FaultyListener(listen, OSError(number, "a fault")))
    with Client(socket.create_connection(listen.getsockname())) as client:
        assert client.get().body == b"page"


def test_many_clients_at_once(serve: Callable[..., LiveServer]) -> None:
    """More than are taken in one turn of the loop."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"page"]

    live = serve(application)
    blocked, release = threading.Event(), threading.Event()

    def block() -> None:
        blocked.set()
        assert release.wait(WAIT)

    live.loop.call_soon_threadsafe(block)
    assert blocked.wait(WAIT)
    clients = [live.client() for _ in range(200)]
    release.set()
    for client in clients:
        assert client.get().body == b"page"
        client.close()


def test_a_lost_reserve_comes_before_the_next_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the client might get the last descriptor, and those after it wait for ever."""
    events: list[str] = []

    def take(connection: socket.socket, address: Any) -> None:
        events.append("client")
        connection.close()

    async def accept_one() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            acceptor = accept.Acceptor(listening, take, 0, lambda log: None)
            with connect(listening.getsockname()[1]):
                acceptor._accept(listening, 0)

    monkeypatch.setattr(accept, "_open_reserve", lambda: events.append("reserve"))
    asyncio.run(accept_one())
    assert events == ["reserve", "reserve", "client"]


def test_a_worker_that_is_ahead_leaves_a_client_to_others_for_a_moment() -> None:
    events: list[str] = []

    def is_ahead() -> bool:
        events.append("ahead")
        return len(events) == 1

    async def accept_two() -> None:
        done = asyncio.Event()

        def take(connection: socket.socket, address: Any) -> None:
            events.append("client")
            connection.close()
            if events.count("client") == 2:
                done.set()

        with socket.create_server(("127.0.0.1", 0)) as listening:
            listening.setblocking(False)
            acceptor = accept.Acceptor(listening, take, 0, lambda log: None, is_ahead)
            acceptor.start()
            with connect(listening.getsockname()[1]), connect(listening.getsockname()[1]):
                await asyncio.wait_for(done.wait(), WAIT)
            acceptor.stop()

    asyncio.run(accept_two())
    # The first client is accepted although the worker is still ahead, and the second in its turn.
    assert events[:4] == ["ahead", "client", "ahead", "client"]
