"""Requests leave nothing for the garbage collector: their objects are freed when they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.support.garbage import no_garbage
from tests.support.servers import LiveServer
from tests.support.upgrades import REQUEST, Protocol
from tests.support.waiting import eventually

pytestmark = pytest.mark.thorough

Serve = Callable[..., LiveServer]


def application(environ: dict[str, Any], start_response: Any) -> Any:
    path = environ["PATH_INFO"]
    if path == "/fail":
        raise LookupError
    start_response("200 OK", [("Content-Type", "text/plain")])
    return iter([b"a", b"b"]) if path == "/stream" else [environ["wsgi.input"].read()]


def nothing_left(live: LiveServer) -> AbstractContextManager[None]:
    """Check that the requests of the block leave no object of the server as garbage."""

    def settle() -> None:
        eventually(lambda: live.server.requests == 0)
        live.on_loop(lambda: None)

    return no_garbage(is_ours, settle)


def is_ours(thing: object) -> bool:
    return type(thing).__module__.startswith("c10kws_tornado.")


@pytest.mark.parametrize(
    "request_",
    [
        "GET /page HTTP/1.1\nHost: a\n\n",
        "GET /stream HTTP/1.1\nHost: a\n\n",
        "GET /fail HTTP/1.1\nHost: a\n\n",
        "POST /page HTTP/1.1\nHost: a\nContent-Length: 3\n\nabc",
    ],
)
def test_a_request_leaves_no_garbage(serve_as_is: Serve, request_: str) -> None:
    live = serve_as_is(application)
    with live.client() as client:
        client.send(request_)
        client.read_response()
        with nothing_left(live):
            for _ in range(3):
                client.send(request_)
                client.read_response()


def test_a_refused_request_leaves_no_garbage(serve_as_is: Serve) -> None:
    live = serve_as_is(application)
    with nothing_left(live), live.client() as client:
        client.send("GET relative HTTP/1.1\nHost: a\n\n")
        assert client.read_response().status == 400
        assert client.read_to_end() == b""


def test_an_upgrade_leaves_no_garbage(serve_as_is: Serve) -> None:
    protocols: list[Protocol] = []

    def make() -> asyncio.BaseProtocol:
        protocols.append(Protocol())
        return protocols[-1]

    class Upgrade(list[bytes]):
        def __init__(self, stream: Any) -> None:
            self.stream = stream

        def close(self) -> None:
            stream = self.stream
            stream.on_upgrade(lambda: stream.attach(make))

    def upgrade(environ: dict[str, Any], start_response: Any) -> Any:
        environ["c10kws.stream"].close_first()
        start_response("101 Switching Protocols", [])
        return Upgrade(environ["c10kws.stream"])

    live = serve_as_is(upgrade)
    with nothing_left(live), live.client() as client:
        client.send(REQUEST + "early")
        assert client.read_head().status == 101
        assert client.read_exactly(5) == b"early"
