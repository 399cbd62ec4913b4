"""Requests that stall, and connections that stay idle, are ended."""

from __future__ import annotations

import gc
import logging
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Any

import pytest

from c10kws_tornado import Limits
from tests.support.applications import hello
from tests.support.logs import messages
from tests.support.servers import LiveServer
from tests.support.waiting import eventually

Serve = Callable[..., LiveServer]
HEAD = "POST /stall HTTP/1.1\nHost: a\n"
QUICK = {"linger_timeout": 0.2}
STALLED = pytest.mark.parametrize(
    ("limits", "request_", "line"),
    [
        (QUICK | {"idle_timeout": 0.2}, "GET / HTTP/1.1\nHost: a\n", '"-" 408 53'),
        (QUICK | {"read_timeout": 0.2}, HEAD + "Content-Length: 9\n\nabc", "408 41"),
        (QUICK | {"read_timeout": 0.2}, HEAD + "Content-Length: 9\n\n", "408 41"),
        (QUICK | {"read_timeout": 0.2}, HEAD + "Transfer-Encoding: chunked\n\n5\nabc", "408 41"),
        (QUICK | {"read_timeout": 0.2}, HEAD + "Transfer-Encoding: chunked\n\n5", "408 41"),
        (QUICK | {"body_timeout": 0.2}, HEAD + "Content-Length: 9\n\nabc", "408 41"),
    ],
)


@STALLED
def test_a_request_that_stalls_is_answered_with_408(
    serve: Serve, caplog: pytest.LogCaptureFixture, limits: dict[str, Any], request_: str, line: str
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado")
    live = serve(hello, limits=Limits(**limits))
    with live.client() as client:
        client.send(request_)
        response = client.read_response()
        assert (response.status, response["connection"]) == (408, "close")
        assert response["date"]
        assert b"did not arrive in time" in response.body
        assert client.read_to_end() == b""
    live.stop()
    (access,) = messages(caplog, "c10kws_tornado.access")
    assert line in access
    (message,) = messages(caplog, "c10kws_tornado")
    assert "did not arrive in time" in message


@pytest.mark.parametrize("spool_size", [1000, 1], ids=["in memory", "on disk"])
def test_a_client_that_sends_a_byte_now_and_then(serve: Serve, spool_size: int) -> None:
    live = serve(hello, limits=Limits(read_timeout=0.3, spool_size=spool_size))
    over = threading.Event()
    with live.client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 9000\n\n")

        def drip() -> None:
            with suppress(OSError):
                while not over.wait(0.02):
                    client.send(b"x")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert client.read_response().status == 408
        finally:
            over.set()
            thread.join()


def test_many_stalled_uploads_end_and_give_their_memory_back(serve: Serve) -> None:
    live = serve(hello, limits=Limits(read_timeout=0.5, linger_timeout=0.2))
    with ExitStack() as stack:
        clients = [stack.enter_context(live.client()) for _ in range(200)]
        for client in clients:
            client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 1000000\n\n")
            client.send(bytes(20_000))
        eventually(lambda: live.server.requests == 200 or count_bodies() == 0)
        assert [client.read_response().status for client in clients] == [408] * 200
        eventually(lambda: live.server.connections == live.server.requests == 0)
        eventually(lambda: count_bodies() == 0)


def count_bodies() -> int:
    gc.collect()
    kind = tempfile.SpooledTemporaryFile  # isinstance() would evaluate lazy objects of other tests
    return sum(issubclass(type(each), kind) for each in gc.get_objects())


def test_a_connection_that_never_asks_is_closed(serve: Serve) -> None:
    with serve(hello, limits=Limits(idle_timeout=0.2)).client() as client:
        assert client.read_to_end() == b""


def test_an_idle_connection_is_closed(serve: Serve) -> None:
    with serve(hello, limits=Limits(idle_timeout=0.2)).client() as client:
        assert client.get().body == b"hello"
        assert client.read_to_end() == b""
