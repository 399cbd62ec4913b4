"""The shutdown: requests finish, idle connections close, and nothing delays it too long."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from c10kws_tornado import Limits, Server, shutdown
from c10kws_tornado.stop import Stop
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
TEXT = ("Content-Type", "text/plain")


class Pages:
    """/slow waits until it is released; other pages do not."""

    def __init__(self) -> None:
        self.running = threading.Semaphore(0)
        self.release = threading.Event()
        self.closed = threading.Event()
        self.environ: dict[str, Any] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        self.environ = environ
        if environ["PATH_INFO"] == "/slow":
            self.running.release()
            assert self.release.wait(WAIT)
        start_response("200 OK", [TEXT])
        return self

    def ask_slowly(self, client: Client) -> None:
        """Ask for the slow page, and wait until it is being made."""
        client.send("GET /slow HTTP/1.1\nHost: a\n\n")
        assert self.running.acquire(timeout=WAIT)

    def __iter__(self) -> Any:
        return iter([b"page"])

    def close(self) -> None:
        self.closed.set()


@pytest.fixture
def pages() -> Pages:
    return Pages()


def test_idle_connections_are_closed(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    with live.client() as fresh, live.client() as used:
        assert used.get().body == b"page"
        eventually(lambda: live.server.connections == 2)
        live.stop(timeout=WAIT)
        assert fresh.read_to_end() == b""
        assert used.read_to_end() == b""


def test_connections_are_forgotten_when_they_end(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    for _ in range(5):
        with live.client() as client:
            client.get()
    eventually(lambda: live.server.connections == live.server.requests == 0)


def test_it_listens_no_more(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    live.stop()
    with pytest.raises(ConnectionRefusedError):
        live.client()


def test_running_requests_are_finished(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    with live.client() as client:
        pages.ask_slowly(client)
        live.begin_stop()
        pages.release.set()
        response = client.read_response()
        assert response.body == b"page"
        assert response["connection"] == "close"
        assert client.read_to_end() == b""
    live.wait_stopped()
    assert pages.closed.is_set()


def test_a_waiting_request_is_finished_too(serve: Serve, pages: Pages) -> None:
    live = serve(pages, threads=1)
    with live.client() as client, live.client() as waiting:
        pages.ask_slowly(client)
        waiting.send("GET / HTTP/1.1\nHost: a\n\n")
        eventually(lambda: live.server.pool.queued == 1)
        live.begin_stop()
        pages.release.set()
        assert client.read_response().body == b"page"
        assert waiting.read_response().body == b"page"


def test_a_request_whose_client_left_is_finished(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    with live.client() as client:
        pages.ask_slowly(client)
    live.wait_until_left()
    live.begin_stop()
    assert live.server.requests == 1
    pages.release.set()
    live.wait_stopped()
    assert pages.closed.is_set()


def test_a_slow_client_gets_all_of_its_response(serve: Serve) -> None:
    size = 16 * 1024 * 1024
    asked = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [TEXT, ("Content-Length", str(size))])
        asked.set()
        return [bytes(size)]

    live = serve(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert asked.wait(WAIT)
        live.begin_stop()
        assert len(client.read_response().body) == size
    live.wait_stopped()


def test_a_hanging_request_is_given_up(serve: Serve, pages: Pages) -> None:
    live = serve(pages)
    with live.client() as client:
        pages.ask_slowly(client)
        live.stop(timeout=0.2)
        assert client.read_to_end() == b""
        pages.release.set()
    assert pages.closed.wait(WAIT)  # close() is called nevertheless


def test_an_upload_that_hangs_is_given_up(serve: Serve, pages: Pages) -> None:
    """All threads hang, so that no thread writes the body to disk."""
    live = serve(pages, threads=1, limits=Limits(spool_size=10))
    with live.client() as client, live.client() as upload:
        pages.ask_slowly(client)
        upload.send("POST / HTTP/1.1\nHost: a\nContent-Length: 100\n\n" + "x" * 100)
        eventually(lambda: live.server.pool.queued == 1)
        live.stop(timeout=0.2)
        pages.release.set()


async def events(pause: float, ended: threading.Event) -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"event"
            await asyncio.sleep(pause)
    finally:
        ended.set()


def responding(body: AsyncIterator[bytes], *headers: tuple[str, str]) -> Any:
    """Return an application that responds with an async body."""

    def application(environ: dict[str, Any], start_response: Any) -> AsyncIterator[bytes]:
        start_response("200 OK", [TEXT, *headers])
        return body

    return application


@pytest.mark.parametrize("pause", [0.02, 3600])
@pytest.mark.parametrize(("drain", "endless"), [(0.2, WAIT), (WAIT * 10, 0.1)])
def test_an_event_stream_is_ended_at_the_deadline_or_earlier(
    serve_as_is: Serve,
    monkeypatch: pytest.MonkeyPatch,
    pause: float,
    drain: float,
    endless: float,
) -> None:
    monkeypatch.setattr(shutdown, "ENDLESS_TIMEOUT", endless)
    ended = threading.Event()
    live = serve_as_is(responding(events(pause, ended)))
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        client.read_head()
        assert client.read_chunk() == b"event"
        live.stop(timeout=drain)
        assert ended.is_set()
        assert not client.read_to_end().endswith(b"0\r\n\r\n")


def test_a_waiting_request_that_becomes_an_event_stream_is_ended_too(
    serve_as_is: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "ENDLESS_TIMEOUT", 0.1)
    running, release = threading.Event(), threading.Event()
    respond = responding(events(3600, threading.Event()))

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        running.set()
        assert release.wait(WAIT)
        return respond(environ, start_response)

    live = serve_as_is(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert running.wait(WAIT)
        live.begin_stop(timeout=WAIT * 10)
        live.on_loop(lambda: None)
        threading.Timer(0.3, release.set).start()
        live.wait_stopped()


def test_an_async_body_of_known_length_is_finished(
    serve_as_is: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "ENDLESS_TIMEOUT", 0.05)

    async def export() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"row\n"
            await asyncio.sleep(0.03)

    live = serve_as_is(responding(export(), ("Content-Length", "40")))
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        response = client.read_head()
        live.begin_stop()
        assert client.read_exactly(int(response["content-length"] or 0)) == b"row\n" * 10
    live.wait_stopped()


@pytest.mark.parametrize("spool_size", [10, 1000])
def test_an_unfinished_upload_does_not_take_the_whole_drain(
    serve: Serve, pages: Pages, monkeypatch: pytest.MonkeyPatch, spool_size: int
) -> None:
    monkeypatch.setattr(shutdown, "ENDLESS_TIMEOUT", 0.1)
    live = serve(pages, limits=Limits(spool_size=spool_size, linger_timeout=0.1))
    with live.client() as upload:
        upload.send("POST / HTTP/1.1\nHost: a\nContent-Length: 1000\n\n" + "x" * 100)
        eventually(lambda: live.server.requests == 1)
        live.stop(timeout=WAIT * 10)
        response = upload.read_response()
    assert (response.status, response["retry-after"]) == (503, "1")
    assert response["connection"] == "close"


def test_a_view_cut_at_the_deadline_leaves_lines(
    serve: Serve, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    live = serve(pages)
    with live.client() as client:
        pages.ask_slowly(client)
        live.stop(timeout=0.2)
        assert "GET /slow HTTP/1.1: aborted after" in caplog.text
        pages.release.set()
    assert pages.closed.wait(WAIT)
    eventually(lambda: live.server.pool.busy == 0)
    lines = [each.getMessage() for each in caplog.records if each.name.endswith("access")]
    assert len(lines) == 1
    assert lines[0].startswith('127.0.0.1 "GET /slow HTTP/1.1" 0 0 ')


def test_the_access_line_of_a_response_that_is_cut_has_what_was_sent(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    release = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [TEXT])
        yield b"x" * 100
        assert release.wait(WAIT)

    live = serve(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\nConnection: close\n\n")
        client.read_head()
        client.read_exactly(100)
        live.stop(timeout=0.2)
        release.set()
    eventually(lambda: live.server.pool.busy == 0)
    (line,) = [each.getMessage() for each in caplog.records if each.name.endswith("access")]
    size = int(line.split()[5])
    assert line.startswith('127.0.0.1 "GET / HTTP/1.1" 200 ')
    assert size >= 100  # with the framing of its chunks


def registered(live: LiveServer, pages: Pages) -> Callable[[Any], None]:
    """Return the contract's ``on_stop`` of a server."""
    with live.client() as client:
        client.get()
    on_stop: Callable[[Any], None] = pages.environ["c10kws.on_stop"]
    return on_stop


@pytest.mark.parametrize("code", [1001, 1012])
def test_on_stop(serve: Serve, pages: Pages, code: int) -> None:
    live = serve(pages)
    on_stop = registered(live, pages)
    calls: list[Stop] = []
    threads: list[threading.Thread] = []
    finished = threading.Event()

    def at_once(stop: Stop) -> None:
        calls.append(stop)
        threads.append(threading.current_thread())

    async def later(stop: Stop) -> None:
        calls.append(stop)
        await asyncio.sleep(0)
        finished.set()

    assert on_stop(at_once) is None
    on_stop(later)
    before = live.on_loop(live.loop.time)
    live.stop(code, timeout=7.0)
    assert finished.is_set()
    assert [stop.code for stop in calls] == [code, code]
    assert all(stop.deadline >= before + 7.0 for stop in calls)
    assert threads == [live._thread]


def test_callbacks_that_fail_or_hang(
    serve: Serve, pages: Pages, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(pages)
    on_stop = registered(live, pages)
    cancelled = threading.Event()

    def fails(stop: Stop) -> None:
        raise LookupError("in on_stop")

    async def hangs(stop: Stop) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            cancelled.set()

    on_stop(fails)
    on_stop(hangs)
    live.stop(timeout=0.2)
    assert cancelled.is_set()
    assert "LookupError: in on_stop" in caplog.text
    assert "took too long" in caplog.text


def test_a_callback_of_the_last_request(serve: Serve, pages: Pages) -> None:
    """It is registered after the others were called."""
    called = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        body = pages(environ, start_response)
        environ["c10kws.on_stop"](lambda stop: called.set())
        return body

    live = serve(application)
    with live.client() as client:
        pages.ask_slowly(client)
        live.begin_stop()
        pages.release.set()
        client.read_response()
    live.wait_stopped()
    assert called.is_set()


def test_stop_is_idempotent(pages: Pages, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    async def main() -> None:
        server = Server(pages)
        server.start()
        await asyncio.gather(server.stop(), server.stop(timeout=1))
        await server.stop()

    asyncio.run(main())
    assert not caplog.records


def test_a_server_that_never_started(pages: Pages) -> None:
    live = LiveServer(pages)
    server = Server(pages)
    server.add_sockets([live.socket])
    asyncio.run(server.stop())
    assert live.socket.fileno() < 0


def test_what_the_last_connections_leave_behind_is_done(serve: Serve, pages: Pages) -> None:
    live = serve(pages, threads=1)
    reports = live.server.pool.sibling("reports", queue_size=10)
    written: list[int] = []

    def write(number: int) -> None:
        threading.Event().wait(0.02)
        written.append(number)

    def leave(stop: Stop) -> None:
        for number in range(5):
            reports.submit(write, number)

    live.server.on_stop(leave)
    live.stop(timeout=WAIT)
    assert written == [0, 1, 2, 3, 4]
