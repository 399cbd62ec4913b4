"""Async iterables are iterated on the event loop and hold no thread."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import Any

from tests.support.applications import TEXT
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]


class Events:
    """An async iterable, like Django's async StreamingHttpResponse."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.next = asyncio.Event()
        self.closed = threading.Event()
        self.generator_closed = threading.Event()
        self.loops: list[asyncio.AbstractEventLoop] = []

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.loops.append(asyncio.get_running_loop())
        try:
            yield b"first"
            self.begun.set()
            await self.next.wait()
            yield b"second"
        finally:
            self.generator_closed.set()

    def close(self) -> None:
        assert self.generator_closed.is_set()
        self.closed.set()


class EventStream:
    """An application with an event stream at /events."""

    def __init__(self, make: Callable[[], Any] = Events) -> None:
        self.streams: list[Any] = []
        self.make = make

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT])
        if environ["PATH_INFO"] != "/events":
            return [b"page"]
        self.streams.append(self.make())
        return self.streams[-1]


def test_async_iterables_run_on_the_loop(serve_as_is: Serve) -> None:
    application = EventStream()
    live = serve_as_is(application)
    with live.client() as client:
        client.send("GET /events HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        assert client.read_chunk() == b"first"
        (events,) = application.streams
        assert events.begun.wait(WAIT)
        live.on_loop(events.next.set)
        assert client.read_chunk() == b"second"
        assert client.read_chunk() == b""
        assert client.get("/page").body == b"page"
    assert events.closed.wait(WAIT)
    assert events.loops == [live.loop]


def test_each_async_iterable_sees_the_context_of_its_own_view(serve_as_is: Serve) -> None:
    path: ContextVar[str] = ContextVar("path")
    both = threading.Barrier(3)

    async def body() -> AsyncIterator[bytes]:
        yield path.get().encode()

    def application(environ: dict[str, Any], start_response: Any) -> AsyncIterator[bytes]:
        path.set(environ["PATH_INFO"])
        start_response("200 OK", [TEXT])
        both.wait(WAIT)
        return body()

    live = serve_as_is(application, threads=2)
    with live.client() as one, live.client() as other:
        one.send("GET /one HTTP/1.1\nHost: a\n\n")
        other.send("GET /other HTTP/1.1\nHost: a\n\n")
        eventually(lambda: live.server.pool.busy == 2)
        # While the loop is held both post, and one of them wakes it.
        live.on_loop(lambda: (both.wait(WAIT), eventually(lambda: live.server.pool.busy == 0)))
        assert one.read_response().body == b"/one"
        assert other.read_response().body == b"/other"


def test_event_streams_hold_no_thread(serve_as_is: Serve) -> None:
    application = EventStream()
    live = serve_as_is(application, threads=2)
    clients = [live.client() for _ in range(100)]
    for client in clients:
        client.send("GET /events HTTP/1.1\nHost: a\n\n")
        client.read_head()
        assert client.read_chunk() == b"first"
    with live.client() as client:
        assert client.get("/page").body == b"page"
    for client in clients:
        client.close()
    for events in application.streams:
        assert events.closed.wait(WAIT)


def test_a_client_that_leaves_a_silent_event_stream(serve_as_is: Serve) -> None:
    application = EventStream()
    live = serve_as_is(application)
    with live.client() as client:
        client.send("GET /events HTTP/1.1\nHost: a\n\n")
        client.read_head()
        assert client.read_chunk() == b"first"
    assert application.streams[0].closed.wait(WAIT)
    eventually(lambda: live.server.requests == 0)


def test_head_of_an_event_stream(serve_as_is: Serve) -> None:
    application = EventStream()
    with serve_as_is(application).client() as client:
        for _ in range(2):
            assert client.get("/events", method="HEAD").status == 200
    for events in application.streams:
        assert events.closed.wait(WAIT)


def test_an_iterable_of_both_kinds_says_which_it_is(serve_as_is: Serve) -> None:
    class Both(Events):
        is_async = False

        def __iter__(self) -> Iterator[bytes]:
            self.generator_closed.set()
            return iter([b"sync"])

    application = EventStream(Both)
    with serve_as_is(application).client() as client:
        assert client.get("/events").body == b"sync"
    assert application.streams[0].closed.wait(WAIT)


def test_a_deaf_client_of_an_event_stream_holds_it_back(serve_as_is: Serve) -> None:
    given = 0

    class Flood(Events):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal given
            self.generator_closed.set()
            while True:
                given += 65536
                yield bytes(65536)

    application = EventStream(Flood)
    live = serve_as_is(application)
    with live.client() as client:
        client.send("GET /events HTTP/1.1\nHost: a\n\n")
        client.read_head()
        pause, before = threading.Event(), -1
        while before != given:
            before = given
            pause.wait(0.5)
        assert given < 64 * 1024 * 1024
    assert application.streams[0].closed.wait(WAIT)
