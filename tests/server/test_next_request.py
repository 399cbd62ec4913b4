"""Responses that must not harm the next request of their connection."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.support.applications import TEXT
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
LENGTH = ("Content-Length", "2")
NEXT = "GET /next HTTP/1.1\nHost: a\n\n"


async def async_body(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@pytest.mark.parametrize(
    "body",
    [list, tuple, lambda: iter([]), async_body, lambda: async_body(b"", b"")],
)
def test_a_body_that_write_has_sent_ends_once(serve_as_is: Serve, body: Callable[[], Any]) -> None:
    """Ended twice, the response ended the next request, too."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT, LENGTH])(b"ok")
        return body()

    live = serve_as_is(application)
    with live.client() as client:
        for _ in range(3):
            client.send(NEXT * 3)
            assert [client.read_response().body for _ in range(3)] == [b"ok"] * 3
    eventually(lambda: live.server.connections == live.server.requests == 0)


def test_an_exception_after_a_complete_body_leaves_the_connection_open(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    began, may_raise, may_answer = (threading.Event() for _ in range(3))

    def fail_late() -> Iterator[bytes]:
        yield b"ok"
        assert may_raise.wait(WAIT)
        raise LookupError("late")

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT, LENGTH])
        if environ["PATH_INFO"] != "/next":
            return fail_late()
        began.set()
        assert may_answer.wait(WAIT)
        return [b"on"]

    live = serve_as_is(application)
    with live.client() as client:
        assert client.get("/late").body == b"ok"
        client.send(NEXT)
        assert began.wait(WAIT)
        may_raise.set()
        eventually(lambda: live.server.requests == 1)
        may_answer.set()
        assert client.read_response().body == b"on"
        assert client.get("/next").body == b"on"
    assert "LookupError: late" in caplog.text


def test_an_exception_after_a_complete_body_lets_a_slow_client_read_it(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    size = 8 * 1024 * 1024

    def fail_late() -> Iterator[bytes]:
        yield bytes(size)
        raise LookupError("late")

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT, ("Content-Length", str(size))])
        return fail_late()

    live = serve_as_is(application)
    with live.client(receive_buffer=4096) as client:
        client.send(NEXT)
        eventually(lambda: "LookupError: late" in caplog.text)
        live.on_loop(lambda: None)
        assert client.read_response().body == bytes(size)
