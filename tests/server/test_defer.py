"""Deferred responses hold no thread."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from wsgiref.validate import validator

import pytest
import sentry_sdk
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware

from tests.support.applications import TEXT
from tests.support.servers import LiveServer, get
from tests.support.waiting import WAIT

Serve = Callable[..., LiveServer]


class Placeholder(list[bytes]):
    """The empty WSGI result of a deferred response."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = threading.Event()

    def close(self) -> None:
        assert not self.closed.is_set()
        self.closed.set()


class Deferring:
    """An application that defers its response to ``resolve()``, a coroutine function."""

    def __init__(self, resolve: Callable[[], Any], *headers: tuple[str, str]) -> None:
        self.resolve = resolve
        self.headers = headers
        self.placeholders: list[Placeholder] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/page":
            start_response("200 OK", [TEXT])
            return [b"page"]
        environ["c10kws.defer"](self.resolve())
        start_response("200 Provisional", [TEXT, *self.headers])
        self.placeholders.append(Placeholder())
        return self.placeholders[-1]


class Closable:
    """An iterable that records its end."""

    def __init__(self, chunks: Any) -> None:
        self.chunks = chunks
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.chunks)

    def close(self) -> None:
        self.closed.set()


async def chunks_of_an_event_stream() -> AsyncIterator[bytes]:
    yield b"a"
    await asyncio.sleep(0)
    yield b"b"


def generator() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize("make", [lambda: [b"a", b"b"], generator, chunks_of_an_event_stream])
def test_bodies(serve: Serve, make: Callable[[], Any]) -> None:
    async def resolve() -> Any:
        await asyncio.sleep(0)
        return "201 Created", [TEXT, ("X-A", "1")], make()

    application = Deferring(resolve)
    live = serve(application)
    with live.client() as client:
        for _ in range(2):
            response = client.get()
            assert (response.status, response.reason) == (201, "Created")
            assert response["x-a"] == "1"
            assert response.body == b"ab"
    live.stop()
    assert all(each.closed.is_set() for each in application.placeholders)


def test_head_of_a_deferred_response(serve: Serve) -> None:
    async def resolve() -> Any:
        return "200 OK", [TEXT, ("Content-Length", "2")], [b"ab"]

    with serve(Deferring(resolve)).client() as client:
        for _ in range(2):
            assert client.get(method="HEAD")["content-length"] == "2"
        assert client.get().body == b"ab"


def test_heads_are_merged(serve: Serve) -> None:
    provisional = [
        ("Set-Cookie", "session=1"),
        ("Set-Cookie", "b=1"),
        ("Vary", "Cookie"),
        ("X-Frame-Options", "DENY"),
        ("Content-Length", "0"),
        ("ETag", '"a"'),
    ]

    async def resolve() -> Any:
        return "200 OK", [TEXT, ("Set-Cookie", "b=2"), ("vary", "Accept")], [b"ab"]

    response = get(serve(Deferring(resolve, *provisional)))
    assert response.all("set-cookie") == ["session=1", "b=1", "b=2"]
    assert response["vary"] == "Accept"
    assert response["x-frame-options"] == "DENY"
    assert response["content-length"] is None
    assert response["etag"] is None
    assert response.all("content-type") == ["text/plain"]
    assert response.body == b"ab"


def test_a_body_is_closed_before_the_placeholder(serve: Serve) -> None:
    body = Closable([b"a"])
    ended: list[str] = []

    class Last(Placeholder):
        def close(self) -> None:
            ended.append("body closed" if body.closed.is_set() else "too early")

    async def resolve() -> Any:
        return "200 OK", [TEXT], body

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["c10kws.defer"](resolve())
        start_response("200 OK", [TEXT])
        return Last()

    live = serve(application)
    assert get(live).body == b"a"
    live.stop()
    assert ended == ["body closed"]


def test_the_placeholder_is_closed_though_the_body_cannot_be(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    class Unclosable(list[bytes]):
        def close(self) -> None:
            raise LookupError("in close")

    async def resolve() -> Any:
        return "200 OK", [TEXT], Unclosable([b"a"])

    application = Deferring(resolve)
    live = serve(application)
    assert get(live).body == b"a"
    live.stop()
    assert application.placeholders[0].closed.is_set()
    assert "LookupError: in close" in caplog.text


async def fails() -> Any:
    raise LookupError("deferred")


async def is_cancelled() -> Any:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


async def switches() -> Any:
    return "101 Switching Protocols", [], []


async def sends_text() -> Any:
    return "200 OK", [("X-A", "a\nb")], []


@pytest.mark.parametrize("resolve", [fails, is_cancelled, switches, sends_text])
def test_a_deferred_failure_is_500(
    serve: Serve, resolve: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    application = Deferring(resolve)
    live = serve(application)
    with live.client() as client:
        for _ in range(2):
            assert client.get().status == 500
    live.stop()
    assert all(each.closed.is_set() for each in application.placeholders)
    assert caplog.text.count("the application raised") == 2


def test_an_application_that_fails_after_it_deferred(serve: Serve) -> None:
    """The awaitable is never awaited; a warning about it would be an error here."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        environ["c10kws.defer"](fails())
        raise LookupError

    assert get(serve(application)).status == 500


def test_a_deferred_body_that_fails_aborts(serve: Serve) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"a"
        raise LookupError

    async def resolve() -> Any:
        return "200 OK", [TEXT], body()

    with serve(Deferring(resolve)).client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        client.read_head()
        assert client.read_chunk() == b"a"
        assert client.read_to_end() == b""


def test_a_client_that_leaves_cancels_the_awaitable(serve: Serve) -> None:
    waiting, cancelled = threading.Event(), threading.Event()

    async def resolve() -> Any:
        waiting.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    application = Deferring(resolve)
    live = serve(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert waiting.wait(WAIT)
    assert cancelled.wait(WAIT)
    assert application.placeholders[0].closed.wait(WAIT)


def test_a_client_that_left_before_the_call_ended(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado")
    called, may_end, cancelled = threading.Event(), threading.Event(), threading.Event()

    async def resolve() -> Any:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    class Slow(Deferring):
        def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
            called.set()
            assert may_end.wait(WAIT)
            return super().__call__(environ, start_response)

    application = Slow(resolve)
    live = serve(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert called.wait(WAIT)
    live.wait_until_left()
    may_end.set()
    assert cancelled.wait(WAIT)
    assert application.placeholders[0].closed.wait(WAIT)


def test_waiting_responses_hold_no_thread(serve: Serve) -> None:
    arrived, release = threading.Semaphore(0), asyncio.Event()

    async def resolve() -> Any:
        arrived.release()
        await release.wait()
        return "200 OK", [TEXT], [b"released"]

    live = serve(Deferring(resolve), threads=2)
    clients = [live.client() for _ in range(100)]
    for client in clients:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
    for _ in clients:
        assert arrived.acquire(timeout=WAIT)
    with live.client() as client:
        assert client.get("/page").body == b"page"
    live.on_loop(release.set)
    for client in clients:
        assert client.read_response().body == b"released"
        client.close()


def test_defer_survives_the_validator_and_sentry(serve_as_is: Serve) -> None:
    """Both hide the application's result; the announcement still reaches the server."""

    async def resolve() -> Any:
        return "200 OK", [TEXT], chunks_of_an_event_stream()

    application = Deferring(resolve)
    with sentry_sdk.new_scope():
        sentry_sdk.init(dsn=None, default_integrations=False, auto_enabling_integrations=False)
        live = serve_as_is(SentryWsgiMiddleware(validator(application)), threads=1)
        with live.client() as client:
            for _ in range(3):
                assert client.get().body == b"ab"
        live.stop()
    assert [each.closed.is_set() for each in application.placeholders] == [True] * 3


# Async iterables


class Panic(BaseException):
    pass


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, Panic])
def test_no_exception_of_a_body_ends_more_than_its_response(
    serve: Serve, error: type[BaseException]
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        raise error

    async def resolve() -> Any:
        return "200 OK", [TEXT], body()

    live = serve(Deferring(resolve))
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        assert client.read_chunk() == b"first"
        assert client.read_to_end() == b""
    with live.client() as client:
        assert client.get("/page").body == b"page"
