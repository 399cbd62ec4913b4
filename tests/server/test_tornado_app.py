"""Tornado's own handlers in front of a WSGI application, on one server."""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from tornado.iostream import IOStream
from tornado.routing import HostMatches, PathMatches, Rule, URLSpec
from tornado.web import (
    Application,
    RequestHandler,
    StaticFileHandler,
    stream_request_body,
)
from tornado.websocket import WebSocketHandler
from websockets.sync.client import ClientConnection, connect

from c10kws_tornado import Limits, describe_rules, make_application
from tests.support.peers import Response, closed_next
from tests.support.servers import LiveServer
from tests.support.tlssockets import client_context
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
MIB = 1024 * 1024
ACCESS = "c10kws_tornado.access"


def django(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """The WSGI application."""
    body = environ["wsgi.input"].read(-1)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"django {environ['REQUEST_METHOD']} {environ['PATH_INFO']} {len(body)}".encode()]


class Hello(RequestHandler):
    def initialize(self, greeting: str = "tornado") -> None:
        self.greeting = greeting

    def get(self, *args: str) -> None:
        self.write(" ".join([self.greeting, *args]))

    head = get

    def post(self, *args: str) -> None:
        self.write(f"{self.greeting} POST {len(self.request.body)}")


class Headers(RequestHandler):
    def get(self) -> None:
        self.write(dict(self.request.headers.get_all()) | {"ip": self.request.remote_ip})


class Failing(RequestHandler):
    def get(self) -> None:
        raise LookupError("as told")


class Stillborn(RequestHandler):
    def initialize(self) -> None:
        raise LookupError("before it began")


class Slow(RequestHandler):
    """Waits until the test releases it, or the client disconnects."""

    running = threading.Semaphore(0)
    left = threading.Event()
    release: asyncio.Event

    async def get(self) -> None:
        type(self).release = asyncio.Event()
        self.running.release()
        await self.release.wait()
        self.write("at last")

    def on_connection_close(self) -> None:
        self.left.set()
        self.release.set()


@stream_request_body
class Sink(RequestHandler):
    def prepare(self) -> None:
        assert self.request.connection is not None
        self.request.connection.set_max_body_size(8 * MIB)  # type: ignore[attr-defined]
        self.size = 0

    def data_received(self, chunk: bytes) -> None:
        self.size += len(chunk)

    def post(self) -> None:
        self.write(str(self.size))


class Echo(WebSocketHandler):
    ended: list[int | None]

    def initialize(self, ended: list[int | None] | None = None) -> None:
        self.ended = [] if ended is None else ended

    def on_message(self, message: str | bytes) -> None:
        self.write_message(message, binary=isinstance(message, bytes))

    def on_close(self) -> None:
        self.ended.append(self.close_code)


class LateEcho(Echo):
    """Its handshake waits for the test."""

    running = threading.Semaphore(0)
    release: asyncio.Event

    async def prepare(self) -> None:
        type(self).release = asyncio.Event()
        self.running.release()
        await self.release.wait()


class Tunnel(RequestHandler):
    """Detaches a stream that is not a WebSocket."""

    streams: list[IOStream] = []  # noqa: RUF012

    def get(self) -> None:
        self.set_status(101)
        self.set_header("Upgrade", "tunnel")
        self.finish()
        stream = self.detach()
        self.streams.append(stream)
        stream.write(b"through")


def make(*rows: Any, **settings: Any) -> Application:
    return make_application(rows or [(r"/native/?(.*)", Hello)], settings)


def open_socket(live: LiveServer, path: str = "/ws", **options: Any) -> ClientConnection:
    return connect(
        f"ws://127.0.0.1:{live.port}{path}",
        **{"open_timeout": WAIT, "proxy": None, "compression": None, "max_size": None} | options,
    )


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the access lines without their durations."""
    messages = [record.getMessage() for record in caplog.records if record.name == ACCESS]
    return [message.rpartition(" ")[0] for message in messages]


@contextmanager
def access_lines(caplog: pytest.LogCaptureFixture, *expected: str) -> Iterator[None]:
    caplog.set_level(logging.INFO, ACCESS)
    yield
    eventually(lambda: len(lines(caplog)) >= len(expected))
    assert lines(caplog) == [f"127.0.0.1 {line}" for line in expected]


# The choice of the application


def test_what_matches_no_rule_is_the_applications(serve: Serve) -> None:
    with serve(django, tornado_app=make()).client() as client:
        assert client.get("/native/one").body == b"tornado one"
        assert client.get("/other").body == b"django GET /other 0"
        assert client.get("/native").body == b"tornado "
        assert client.get("/nativ%65").body == b"django GET /native 0"
        assert client.get("/other?/native").body == b"django GET /other 0"


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    with serve(django, tornado_app=make()).client() as client:
        paths = ["/native/1", "/2", "/native/3", "/native/4", "/5", "/6"]
        client.send("".join(f"GET {path} HTTP/1.1\nHost: a\n\n" for path in paths))
        answers = [client.read_response().body.decode().split() for _ in paths]
    assert [answer[0] for answer in answers] == [
        "tornado" if "native" in path else "django" for path in paths
    ]
    assert answers[-1] == ["django", "GET", "/6", "0"]


def test_rows_as_tornado_takes_them(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "style.css").write_text("body {}")
    native = make(
        (r"/arguments", Hello, {"greeting": "hi"}),
        URLSpec(r"/spec/(\w+)", Hello, name="spec"),
        Rule(PathMatches(r"/rule"), Hello),
        (HostMatches("other.example"), [(r"/host", Hello)]),
        (r"/name", "tornado.web.RedirectHandler", {"url": "/spec/there"}),
        (r"/static/(.*)", StaticFileHandler, {"path": str(tmp_path)}),
    )
    assert native.reverse_url("spec", "there") == "/spec/there"
    with serve(django, tornado_app=native).client() as client:
        assert client.get("/arguments").body == b"hi"
        assert client.get("/spec/there").body == b"tornado there"
        assert client.get("/rule").body == b"tornado"
        assert client.get("/host").body == b"django GET /host 0"
        client.send("GET /host HTTP/1.1\nHost: other.example\n\n")
        assert client.read_response().body == b"tornado"
        assert client.get("/name")["location"] == "/spec/there"
        style = client.get("/static/style.css")
        assert (style["content-type"], style.body) == ("text/css", b"body {}")
        part = client.get("/static/style.css", "Range: bytes=0-3")
        assert (part.status, part.body) == (206, b"body")
        assert client.get("/static/none.css").status == 404


def test_the_rules_in_words(tmp_path: Path) -> None:
    native = make(
        (r"/one$", Hello),
        (HostMatches("other.example"), [(r"/two", Echo)]),
        Rule(PathMatches(r"/three"), Application()),
        static_path=str(tmp_path),
    )
    here = Hello.__module__
    assert list(describe_rules(native)) == [
        (r"/(robots\.txt)", "tornado.web.StaticFileHandler"),
        (r"/(favicon\.ico)", "tornado.web.StaticFileHandler"),
        (r"/static/(.*)", "tornado.web.StaticFileHandler"),
        ("/one", f"{here}.Hello"),
        ("host other.example", ""),
        ("  /two", f"{here}.Echo"),
        ("/three", "tornado.web.Application"),
    ]


def test_debug_does_not_bring_autoreload() -> None:
    settings = make(debug=True).settings
    assert settings["autoreload"] is False
    assert settings["serve_traceback"] is True
    assert make(autoreload=True).settings["autoreload"] is False


# Requests


@pytest.mark.parametrize("size", [0, 1, 300_000, 2 * MIB])
def test_a_body(serve: Serve, size: int) -> None:
    with serve(django, tornado_app=make()).client() as client:
        for path, answer in (("/native", "tornado POST"), ("/other", "django POST /other")):
            client.send(f"POST {path} HTTP/1.1\nHost: a\nContent-Length: {size}\n\n")
            client.send(bytes(size))
            assert client.read_response().body == f"{answer} {size}".encode()


def test_a_chunked_body_and_continue(serve: Serve) -> None:
    with serve(django, tornado_app=make()).client() as client:
        client.send(
            "POST /native HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\nExpect: 100-continue\n\n"
        )
        assert client.read_head().status == 100
        client.send("3\nabc\n2\nde\n0\n\n")
        assert client.read_response().body == b"tornado POST 5"


def test_a_body_over_the_limit_is_tornados_400(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(django, tornado_app=make(), limits=Limits(max_body_size=MIB))
    with access_lines(caplog, '"POST /native HTTP/1.1" 400 0'), live.client() as client:
        client.send(f"POST /native HTTP/1.1\nHost: a\nContent-Length: {2 * MIB}\n\n")
        assert client.read_response().status == 400
        assert client.read_to_end() == b""
    eventually(lambda: live.server.connections == live.server.requests == 0)


def test_a_handler_that_streams_raises_the_limit_for_itself(serve: Serve) -> None:
    live = serve(django, tornado_app=make((r"/sink", Sink)), limits=Limits(max_body_size=MIB))
    with live.client() as client:
        client.send(f"POST /sink HTTP/1.1\nHost: a\nContent-Length: {4 * MIB}\n\n")
        client.send(bytes(4 * MIB))
        assert client.read_response().body == str(4 * MIB).encode()


def test_what_the_server_refuses_it_refuses_here_too(serve: Serve) -> None:
    live = serve(django, tornado_app=make())
    with live.client() as client:
        assert client.get("/native", f"X-Large: {'x' * 70_000}").status == 431
    with live.client() as client:
        client.send("GET /native HTTP/1.1\n\n")
        response = client.read_response()
        assert (response.status, response.body) == (400, b"Bad request: no Host header.\n")


@pytest.mark.parametrize("limits", [Limits(read_timeout=0.2), Limits(body_timeout=0.2)])
def test_a_body_that_stalls_is_answered_with_408(
    serve: Serve, caplog: pytest.LogCaptureFixture, limits: Limits
) -> None:
    live = serve(django, tornado_app=make(), limits=limits)
    with access_lines(caplog, '"POST /native HTTP/1.1" 408 0'), live.client() as client:
        client.send("POST /native HTTP/1.1\nHost: a\nContent-Length: 9\n\nabc")
        response = client.read_response()
        assert (response.status, response["connection"]) == (408, "close")
        assert client.read_to_end() == b""


@pytest.mark.parametrize("trusted", [True, False])
def test_forwarded_headers_are_a_trusted_peers(serve: Serve, trusted: bool) -> None:
    proxies = ["127.0.0.1"] if trusted else []
    live = serve(django, tornado_app=make((r"/headers", Headers)), trusted_proxies=proxies)
    with live.client() as client:
        body = client.get("/headers", "X-Forwarded-User: root", "X-Other: 5").body
    assert (b"root" in body) is trusted
    assert b'"X-Other": "5"' in body
    assert b'"ip": "127.0.0.1"' in body


def test_http_1_0_and_connection_close(serve: Serve) -> None:
    live = serve(django, tornado_app=make())
    with live.client() as client:
        client.send("GET /native/old HTTP/1.0\n\n")
        assert client.read_response().body == b"tornado old"
        assert client.read_to_end() == b""
    with live.client() as client:
        assert client.get("/native", "Connection: close").body == b"tornado "
        assert client.read_to_end() == b""
    eventually(lambda: live.server.connections == live.server.requests == 0)


# Failures


def test_an_exception_is_a_500_and_tornados_line(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(django, tornado_app=make((r"/failing", Failing)))
    with live.client() as client:
        assert client.get("/failing").status == 500
        assert client.get("/other").status == 200
    records = [record for record in caplog.records if record.name != ACCESS]
    assert [record.name for record in records] == ["tornado.application"]
    assert "as told" in caplog.text


def test_a_handler_that_cannot_be_made_ends_its_connection_alone(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(django, tornado_app=make((r"/stillborn", Stillborn), (r"/native", Hello)))
    with access_lines(caplog, '"GET /stillborn HTTP/1.1" 0 0'), live.client() as client:
        client.send("GET /stillborn HTTP/1.1\nHost: a\n\n")
        assert client.read_to_end() == b""
    assert "before it began" in caplog.text
    eventually(lambda: live.server.connections == live.server.requests == 0)
    with live.client() as client:
        assert client.get("/native").body == b"tornado"


# The access log


def test_the_access_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    live = serve(django, tornado_app=make((r"/native", Hello), (r"/ws", Echo)))
    with access_lines(
        caplog,
        '"GET /native HTTP/1.1" 200 7',
        '"HEAD /native HTTP/1.1" 200 0',
        '"DELETE /native HTTP/1.1" 405 87',
        '"GET /ws HTTP/1.1" 101 0',
    ):
        with live.client() as client:
            client.get("/native")
            client.get("/native", method="HEAD")
            client.get("/native", method="DELETE")
        with open_socket(live) as ws:
            ws.send("hello")
            assert ws.recv(WAIT) == "hello"
    levels = [record.levelno for record in caplog.records if record.name == ACCESS]
    assert levels == [logging.INFO, logging.INFO, logging.WARNING, logging.INFO]
    assert not [record for record in caplog.records if record.name == "tornado.access"]


def test_a_log_function_of_the_settings_is_called_too(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[RequestHandler] = []
    live = serve(django, tornado_app=make(log_function=seen.append))
    with access_lines(caplog, '"GET /native HTTP/1.1" 200 8'), live.client() as client:
        client.get("/native")
    assert [handler.get_status() for handler in seen] == [200]


# Connections


def test_a_client_that_leaves_is_noticed(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    Slow.left.clear()
    live = serve(django, tornado_app=make((r"/slow", Slow)))
    with access_lines(caplog, '"GET /slow HTTP/1.1" 0 0'):
        with live.client() as client:
            client.send("GET /slow HTTP/1.1\nHost: a\n\n")
            assert Slow.running.acquire(timeout=WAIT)
            assert live.server.requests == 1
        assert Slow.left.wait(WAIT)
        eventually(lambda: live.server.connections == live.server.requests == 0)


def test_a_client_that_leaves_within_its_body(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(django, tornado_app=make())
    with access_lines(caplog, '"POST /native HTTP/1.1" 400 0'):
        with live.client() as client:
            client.send("POST /native HTTP/1.1\nHost: a\nContent-Length: 10\n\nabc")
            eventually(lambda: live.server.requests == 1)
        eventually(lambda: live.server.connections == live.server.requests == 0)


def test_a_running_request_is_not_idle_and_a_connection_between_two_is(serve: Serve) -> None:
    native = make((r"/slow", Slow), (r"/native", Hello))
    live = serve(django, tornado_app=native, limits=Limits(idle_timeout=0.2))
    with live.client() as idle, live.client() as busy:
        busy.send("GET /slow HTTP/1.1\nHost: a\n\n")
        assert Slow.running.acquire(timeout=WAIT)
        assert idle.get("/native").status == 200
        assert idle.read_to_end() == b""
        live.loop.call_soon_threadsafe(Slow.release.set)
        assert busy.read_response().body == b"at last"
        assert busy.read_to_end() == b""


def test_handlers_are_forgotten(serve: Serve) -> None:
    made: list[weakref.ref[RequestHandler]] = []

    class Remembered(Echo):
        def prepare(self) -> None:
            made.append(weakref.ref(self))

    live = serve(django, tornado_app=make((r"/ws", Remembered), (r"/native", Hello)))
    for _ in range(3):
        with open_socket(live) as ws:
            ws.send("hello")
            assert ws.recv(WAIT) == "hello"

    def gone() -> bool:
        gc.collect()
        return all(each() is None for each in made)

    assert len(made) == 3
    eventually(gone)


# WebSockets


@pytest.mark.parametrize("size", [0, 125, 70_000, 300_000, 5 * MIB])
def test_a_native_websocket(serve: Serve, size: int) -> None:
    live = serve(django, tornado_app=make((r"/ws", Echo)))
    with open_socket(live) as ws:
        eventually(lambda: live.server.connections == live.server.requests == 0)
        for message in ("x" * size, bytes(size)):
            ws.send(message)
            assert ws.recv(WAIT) == message
    with live.client() as client:
        assert client.get("/ws").status == 400  # Tornado's: can "Upgrade" only to "WebSocket"


def test_a_native_websocket_over_tls(serve: Serve) -> None:
    authority = trustme.CA()
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    live = serve(django, tornado_app=make((r"/ws", Echo)), ssl_context=server)
    client = client_context(authority)
    with connect(
        f"wss://127.0.0.1:{live.port}/ws", ssl=client, proxy=None, open_timeout=WAIT
    ) as ws:
        for message in ("hello", "x" * 300_000):
            ws.send(message)
            assert ws.recv(WAIT) == message
        live.begin_stop(1012)
        assert closed_next(ws)[0] == 1012


def test_uvloop(serve: Serve) -> None:
    uvloop = pytest.importorskip("uvloop")
    native = make((r"/ws", Echo), (r"/native", Hello))
    live = serve(django, tornado_app=native, loop_factory=uvloop.new_event_loop)
    with live.client() as client:
        assert client.get("/native").body == b"tornado"
        assert client.get("/other").body == b"django GET /other 0"
    with open_socket(live) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
        live.begin_stop()
        assert closed_next(ws)[0] == 1001


def test_tornados_own_limit_of_a_message(serve: Serve) -> None:
    live = serve(django, tornado_app=make((r"/ws", Echo), websocket_max_message_size=1000))
    with open_socket(live) as ws:
        ws.send("x" * 1001)
        assert closed_next(ws)[0] == 1009


@pytest.mark.parametrize("code", [1001, 1012])
def test_the_stop_closes_native_websockets(serve: Serve, code: int) -> None:
    ended: list[int | None] = []
    live = serve(django, tornado_app=make((r"/ws", Echo, {"ended": ended})))
    with open_socket(live) as first, open_socket(live) as second:
        live.begin_stop(code)
        for ws in (first, second):
            assert closed_next(ws)[0] == code
        live.wait_stopped()
    assert ended == [code, code]


def test_the_stop_does_not_wait_for_a_deaf_client(serve: Serve) -> None:
    ended: list[int | None] = []
    live = serve(django, tornado_app=make((r"/ws", Echo, {"ended": ended})))
    with live.client() as client:
        shake_hands(live, client)
        live.stop(timeout=0.3)
        assert client.read_exactly(4) == b"\x88\x02\x03\xe9"  # Close 1001
        assert client.read_to_end() == b""
    eventually(lambda: ended == [None])


def shake_hands(live: LiveServer, client: Any, path: str = "/ws") -> Response:
    client.send(
        f"GET {path} HTTP/1.1\nHost: a\nUpgrade: websocket\nConnection: Upgrade\n"
        "Sec-WebSocket-Version: 13\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\n\n"
    )
    response: Response = client.read_head()
    assert response.status == 101
    return response


def test_a_websocket_that_opens_during_the_stop_is_closed_at_once(serve: Serve) -> None:
    live = serve(django, tornado_app=make((r"/ws", LateEcho)))
    codes: list[int] = []

    def visit() -> None:
        with open_socket(live) as ws:
            codes.append(closed_next(ws)[0])

    visitor = threading.Thread(target=visit)
    visitor.start()
    assert LateEcho.running.acquire(timeout=WAIT)
    live.begin_stop(1012)
    live.loop.call_soon_threadsafe(LateEcho.release.set)
    visitor.join(WAIT)
    assert codes == [1012]
    live.wait_stopped()


def test_a_stream_that_a_handler_took_is_closed_at_the_stop(serve: Serve) -> None:
    live = serve(django, tornado_app=make((r"/tunnel", Tunnel)))
    with live.client() as client:
        client.send("GET /tunnel HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 101
        assert client.read_exactly(7) == b"through"
        live.stop(timeout=0.3)
        assert client.read_to_end() == b""
    assert Tunnel.streams[-1].closed()


# The stop


def test_the_stop_waits_for_a_running_request(serve: Serve) -> None:
    live = serve(django, tornado_app=make((r"/slow", Slow)))
    with live.client() as client, live.client() as idle:
        assert idle.get("/other").status == 200
        client.send("GET /slow HTTP/1.1\nHost: a\n\n")
        assert Slow.running.acquire(timeout=WAIT)
        live.begin_stop()
        assert idle.read_to_end() == b""
        live.loop.call_soon_threadsafe(Slow.release.set)
        assert client.read_response().body == b"at last"
        assert client.read_to_end() == b""
    live.wait_stopped()


def test_the_stop_ends_a_request_that_takes_too_long(serve: Serve) -> None:
    live = serve(django, tornado_app=make((r"/slow", Slow)))
    with live.client() as client:
        client.send("GET /slow HTTP/1.1\nHost: a\n\n")
        assert Slow.running.acquire(timeout=WAIT)
        live.stop(timeout=0.2)
        assert client.read_to_end() == b""


def test_a_native_request_holds_no_thread(serve: Serve) -> None:
    gate, inside = threading.Event(), threading.Event()

    def blocked(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        inside.set()
        assert gate.wait(WAIT)
        return django(environ, start_response)

    live = serve(blocked, tornado_app=make(), threads=1)
    with live.client() as client, live.client() as other:
        client.send("GET /blocked HTTP/1.1\nHost: a\n\n")
        assert inside.wait(WAIT)
        assert other.get("/native/now").body == b"tornado now"
        gate.set()
        assert client.read_response().status == 200
