"""The drain: requests that have arrived are served, and the rest ends at a pace."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from c10kws_tornado import shutdown
from c10kws_tornado.stop import Stop
from tests.support.logs import messages
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
GET = "GET / HTTP/1.1\nHost: a\n\n"
TEXT = ("Content-Type", "text/plain")


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [TEXT])
    return [environ["PATH_INFO"].encode()]


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the time for first requests; a quarter of the time of the stop remains the limit."""

    def set_to(seconds: float) -> None:
        monkeypatch.setattr(shutdown, "FIRST_REQUEST_TIMEOUT", seconds)

    return set_to


def begin_stop(live: LiveServer) -> None:
    """Return when the server closes idle connections."""
    with live.client() as idle:
        idle.get()
        live.begin_stop(timeout=WAIT * 10)
        assert idle.read_to_end() == b""


def test_a_connection_without_a_request_has_time_for_one(serve: Serve) -> None:
    live = serve(application)
    with live.client() as first, live.client() as second:
        eventually(lambda: live.server.connections == 2)
        begin_stop(live)
        first.send(GET)
        response = first.read_response()
        assert (response.body, response["connection"]) == (b"/", "close")
        second.send("GET /two HTTP/1.1\nHost: a\n\n")
        assert second.read_response().body == b"/two"
    live.wait_stopped()


def test_a_connection_that_sends_nothing_is_closed(
    serve: Serve, patience: Callable[[float], None]
) -> None:
    patience(0.1)
    live = serve(application)
    with live.client() as fresh:
        eventually(lambda: live.server.connections == 1)
        live.begin_stop(timeout=WAIT * 10)
        assert fresh.read_to_end() == b""
    live.wait_stopped()


def test_a_head_that_is_incomplete_has_time_too(serve: Serve) -> None:
    live = serve(application)
    with live.client() as used:
        used.get()
        used.send("GET /rest HTTP/1.1\n")
        eventually(lambda: any(each.receiving for each in live.server._connections._running))
        begin_stop(live)
        used.send("Host: a\n\n")
        assert used.read_response().body == b"/rest"
    live.wait_stopped()


def test_a_head_that_stays_incomplete_is_answered(
    serve: Serve, patience: Callable[[float], None]
) -> None:
    patience(0.1)
    live = serve(application)
    with live.client() as slow:
        slow.send("GET / HTTP/1.1\n")
        eventually(lambda: any(each.receiving for each in live.server._connections._running))
        live.begin_stop(timeout=WAIT * 10)
        assert slow.read_response().status == 408
    live.wait_stopped()


def test_requests_that_have_arrived_on_idle_connections_are_served(serve: Serve) -> None:
    """The loop has not read them yet when the stop begins."""
    live = serve(application)
    stopping, release = threading.Event(), threading.Event()

    def block(stop: Stop) -> None:
        stopping.set()
        assert release.wait(WAIT)

    live.server.on_stop(block)
    with ExitStack() as stack:
        clients = [stack.enter_context(live.client()) for _ in range(20)]
        for client in clients:
            client.get()
        live.begin_stop(timeout=WAIT * 10)
        assert stopping.wait(WAIT)
        for client in clients:
            client.send(GET)
        release.set()
        for client in clients:
            response = client.read_response()
            assert (response.status, response["connection"]) == (200, "close")
    live.wait_stopped()


def test_a_request_after_a_response_that_promised_to_stay_open_is_served(serve: Serve) -> None:
    sent, release = threading.Event(), threading.Event()

    def streaming(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [TEXT])
        yield environ["PATH_INFO"].encode()
        if environ["PATH_INFO"] == "/first":
            sent.set()
            assert release.wait(WAIT)

    live = serve(streaming)
    with live.client() as client:
        client.send("GET /first HTTP/1.1\nHost: a\n\n")
        response = client.read_head()
        assert response["connection"] is None
        assert client.read_chunk() == b"/first"
        begin_stop(live)
        client.send("GET /second HTTP/1.1\nHost: a\n\n")
        eventually(lambda: any(each.receiving for each in live.server._connections._running))
        release.set()
        assert client.read_chunk() == b""
        response = client.read_response()
        assert (response.body, response["connection"]) == (b"/second", "close")
        assert client.read_to_end() == b""
    live.wait_stopped()


class Streams:
    """An application whose responses are event streams."""

    def __init__(self) -> None:
        self.ended = 0

    def __call__(self, environ: dict[str, Any], start_response: Any) -> AsyncIterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return self._events()

    async def _events(self) -> AsyncIterator[bytes]:
        try:
            yield b"data: 1\n\n"
            await asyncio.get_running_loop().create_future()
        finally:
            self.ended += 1


def test_event_streams_end_at_the_pace_of_the_stop(
    serve_as_is: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pace is replaced by one that the test sets."""
    monkeypatch.setattr(shutdown, "ENDLESS_TIMEOUT", 0.01)
    may_leave = threading.Semaphore(0)

    async def spread(stop: Stop, clients: Any) -> AsyncIterator[tuple[Any, float]]:
        for client in list(clients):
            while not may_leave.acquire(blocking=False):
                await asyncio.sleep(0.005)
            yield client, 0.0

    monkeypatch.setattr(Stop, "spread", spread)
    streams = Streams()
    live = serve_as_is(streams)
    with ExitStack() as stack:
        for _ in range(5):
            client = stack.enter_context(live.client())
            client.send(GET)
            client.read_head()
            client.read_chunk()
        live.begin_stop(timeout=WAIT * 10)
        for number in range(1, 6):
            may_leave.release()
            eventually(lambda number=number: streams.ended == number)
    live.wait_stopped()


# The line in the log


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.INFO, "c10kws_tornado.drain")
    return lambda: messages(caplog, "c10kws_tornado.drain")


def test_a_line_has_the_number_of_drained_connections(
    serve: Serve, lines: Callable[[], list[str]]
) -> None:
    live = serve(application)
    with ExitStack() as stack:
        for _ in range(3):
            stack.enter_context(live.client()).get()
        live.stop()
    (line,) = lines()
    assert re.fullmatch(r"Drained 3 of 3 connections in \d+\.\d s\.", line)


def test_the_line_has_the_number_of_aborted_connections(
    serve: Serve, lines: Callable[[], list[str]]
) -> None:
    running, release = threading.Event(), threading.Event()

    def hanging(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/hang":
            running.set()
            assert release.wait(WAIT)
        return application(environ, start_response)

    live = serve(hanging)
    with live.client() as client, live.client() as other:
        other.get()
        client.send("GET /hang HTTP/1.1\nHost: a\n\n")
        assert running.wait(WAIT)
        live.stop(timeout=0.2)
        release.set()
    (line,) = lines()
    assert line.startswith("Drained 1 of 2 connections in ")
    assert line.endswith(" s; aborted 1.")


class Deaf(asyncio.Protocol):
    """The protocol of an application that ignores the stop."""


class Takeover(list[bytes]):
    """The body of a 101."""

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__()
        self.environ = environ

    def close(self) -> None:
        stream = self.environ["c10kws.stream"]
        self.environ["c10kws.loop"].call_soon_threadsafe(stream.attach, Deaf)


def switching(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("101 Switching Protocols", [])
    return Takeover(environ)


def upgraded(client: Client) -> Client:
    client.send("GET / HTTP/1.1\nHost: a\nConnection: Upgrade\nUpgrade: deaf\n\n")
    assert client.read_head().status == 101
    return client


def test_a_raw_stream_that_ignores_the_stop_counts_as_aborted(
    serve_as_is: Serve, lines: Callable[[], list[str]]
) -> None:
    live = serve_as_is(switching)
    with live.client() as client:
        upgraded(client)
        eventually(lambda: live.server._resources.raw_streams.open)
        live.stop(timeout=WAIT)
        assert client.read_to_end() == b""
    (line,) = lines()
    assert line.startswith("Drained 0 of 1 connections in ")
    assert line.endswith(" s; aborted 1.")


def test_an_upgrade_during_the_stop_may_end_in_good_order(
    serve_as_is: Serve, lines: Callable[[], list[str]]
) -> None:
    live = serve_as_is(switching)
    with live.client() as client:
        eventually(lambda: live.server.connections == 1)
        live.begin_stop(timeout=WAIT * 10)
        upgraded(client)
    live.wait_stopped()
    (line,) = lines()
    assert line.startswith("Drained 1 of 1 connections in ")
    assert "aborted" not in line
