"""Native handlers: ends of bodies, responses and connections that a client or a handler causes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tornado.iostream import StreamClosedError
from tornado.web import RequestHandler, stream_request_body

from c10kws_tornado import Limits, make_application
from tests.support.applications import hello
from tests.support.logs import messages
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
POST = "POST / HTTP/1.1\nHost: a\nContent-Length: 4\n\n"


def serving(serve: Serve, handler: type[RequestHandler], **options: Any) -> LiveServer:
    return serve(hello, tornado_app=make_application([("/native", handler)], {}), **options)


def post(live: LiveServer, body: str = "") -> Any:
    client = live.client()
    client.send(POST.replace("/ ", "/native ") + body)
    return client


class Waiting(RequestHandler):
    """Waits for the end of its connection."""

    began = threading.Semaphore(0)
    closed = 0

    async def get(self) -> None:
        self.began.release()
        await asyncio.Event().wait()

    def on_connection_close(self) -> None:
        type(self).closed += 1
        raise LookupError("as told")


def test_on_connection_close_that_raises_ends_its_request(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serving(serve, Waiting)
    with live.client() as client:
        client.send("GET /native HTTP/1.1\nHost: a\n\n")
        Waiting.began.acquire()
    eventually(lambda: live.server.connections == live.server.requests == 0)
    live.stop()
    assert "GET /native HTTP/1.1: on_connection_close() raised." in messages(
        caplog, "c10kws_tornado"
    )


@stream_request_body
class Body(RequestHandler):
    """Receives a body in pieces; a test replaces its methods."""

    closed = 0
    received = b""
    failure: type[BaseException] | None = None
    slow = False

    async def prepare(self) -> None:
        if self.slow:
            await asyncio.sleep(0.5)

    async def data_received(self, chunk: bytes) -> None:
        type(self).received += chunk
        if self.failure is not None:
            raise self.failure

    def post(self) -> None:
        self.write(self.received)

    def on_connection_close(self) -> None:
        type(self).closed += 1
        if self.failure is not None:
            raise self.failure


def test_a_handler_learns_once_that_its_client_left_within_the_body(serve: Serve) -> None:
    class Left(Body):
        pass

    live = serving(serve, Left)
    with post(live, "ab"):
        eventually(lambda: Left.received)
    eventually(lambda: live.server.connections == live.server.requests == 0)
    assert Left.closed == 1


@pytest.mark.parametrize("failure_", [LookupError, asyncio.CancelledError, SystemExit])
def test_data_received_that_raises_ends_its_connection(
    serve: Serve, failure_: type[BaseException]
) -> None:
    class Failing(Body):
        failure = failure_

    live = serving(serve, Failing)
    with post(live, "abcd") as client:
        assert client.read_to_end() == b""
    eventually(lambda: live.server.connections == live.server.requests == 0)
    with live.client() as client:
        assert client.get().body == b"hello"


def test_the_time_of_prepare_is_not_the_clients(serve: Serve) -> None:
    class Slow(Body):
        slow = True

    with post(serving(serve, Slow, limits=Limits(read_timeout=0.2)), "abcd") as client:
        assert client.read_response().body == b"abcd"


class Answer(RequestHandler):
    async def get(self) -> None:
        for name, value in self.request.arguments.items():
            self.set_header(name, value[0].decode())
        self.write("a")
        await self.flush()
        self.write("b")


def test_a_handler_may_close_its_connection(serve: Serve) -> None:
    with serving(serve, Answer).client() as client:
        response = client.get("/native?Connection=close")
        assert (response["connection"], response.body) == ("close", b"ab")
        assert client.read_to_end() == b""


def test_a_stream_without_chunks_ends_with_its_connection(serve: Serve) -> None:
    with serving(serve, Answer).client() as client:
        client.send("GET /native HTTP/1.0\nConnection: keep-alive\n\n")
        response = client.read_head()
        assert response["connection"] == "close"
        assert client.read_to_end() == b"ab"


def test_the_server_chooses_the_framing(serve: Serve) -> None:
    with serving(serve, Answer).client() as client:
        for _ in range(2):
            assert client.get("/native?Transfer-Encoding=chunked").body == b"ab"


def test_a_host_with_a_port_of_thousands_of_digits(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(serve, Answer).client() as client:
        client.send(f"GET /native HTTP/1.1\nHost: a:{'1' * 5000}\n\n")
        assert client.read_response().status == 400
        assert client.read_to_end() == b""
    assert messages(caplog, "c10kws_tornado.error") == []


@stream_request_body
class Early(RequestHandler):
    """Responds before the body has arrived."""

    async def prepare(self) -> None:
        if "later" in self.request.arguments:
            await asyncio.sleep(0)
        self.set_status(403)
        self.finish("no")

    def data_received(self, chunk: bytes) -> None:
        raise LookupError


@pytest.mark.parametrize("query", ["", "?later=1"])
def test_no_100_follows_a_response(serve: Serve, query: str) -> None:
    with serving(serve, Early).client() as client:
        client.send(
            f"POST /native{query} HTTP/1.1\nHost: a\nContent-Length: 4\nExpect: 100-continue\n\n"
        )
        assert client.read_response().status == 403
        assert client.read_to_end() == b""


def test_a_client_that_sends_its_body_reads_an_early_response(serve: Serve) -> None:
    live = serving(serve, Early)
    with live.client() as client:
        client.send("POST /native HTTP/1.1\nHost: a\nContent-Length: 900000\n\n")
        client.peek()
        for _ in range(9):
            live.on_loop(lambda: None)
            client.send(bytes(100_000))
        assert client.read_response().status == 403
        assert client.read_to_end() == b""
    eventually(lambda: live.server.connections == live.server.requests == 0)


class Detaching(RequestHandler):
    def get(self) -> None:
        self.detach().close()


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_closed_stream_closes_its_connection(serve: Serve, loop: str) -> None:
    factory = pytest.importorskip(loop).new_event_loop
    with serving(serve, Detaching, loop_factory=factory).client() as client:
        client.send("GET /native HTTP/1.1\nHost: a\n\n")
        assert client.read_to_end() == b""


def test_an_unfinished_body_does_not_hold_a_stop(serve: Serve) -> None:
    live = serving(serve, Body)
    with post(live, "a") as client:
        eventually(lambda: live.server.requests == 1)
        live.begin_stop(timeout=1)
        response = client.read_response()
        assert (response.status, response["retry-after"]) == (503, "1")
    live.wait_stopped()


def test_a_refused_request_gets_no_second_response(serve: Serve) -> None:
    failures: list[BaseException] = []
    may_respond = threading.Event()

    @stream_request_body
    class Late(Body):
        async def prepare(self) -> None:
            await asyncio.to_thread(may_respond.wait, WAIT)
            self.write("late")
            try:
                await self.flush()
            except StreamClosedError as error:
                failures.append(error)

    live = serving(serve, Late, limits=Limits(linger_timeout=WAIT))
    with post(live, "a") as client:
        eventually(lambda: live.server.requests == 1)
        live.begin_stop(timeout=1)
        assert client.read_response().status == 503
        may_respond.set()
        eventually(lambda: failures)
        assert client.read_to_end() == b""
    live.wait_stopped()
