"""Pages and raw streams over TLS, whose transport is our own."""

from __future__ import annotations

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trustme

from c10kws_tornado import Limits
from tests.support.peers import Client, wrap_tls
from tests.support.servers import LiveServer
from tests.support.upgrades import (
    REQUEST,
    BufferedProtocol,
    Protocol,
    Switch,
    application_of_the_page,
)
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


@pytest.fixture
def connect(authority: trustme.CA) -> Callable[[LiveServer], Client]:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return lambda live: wrap_tls(live.client(), context)


@pytest.fixture
def serve_tls(serve: Serve, server_context: ssl.SSLContext) -> Serve:
    return lambda application: serve(application, ssl_context=server_context)


Connect = Callable[[LiveServer], Client]


def test_a_page(serve_tls: Serve, connect: Connect) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.url_scheme"].encode(), bytes(MIB)]

    with connect(serve_tls(application)) as client:
        for _ in range(2):
            assert client.get().body == b"https" + bytes(MIB)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX-A: " + bytes(200_000).replace(b"\0", b"a"), 431),
        (b"GET / HTTP/1.1\r\nHost:", 408),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc", 408),
    ],
)
def test_requests_that_are_none(
    serve: Serve, server_context: ssl.SSLContext, connect: Connect, request_: bytes, status: int
) -> None:
    limits = Limits(idle_timeout=0.3, read_timeout=0.3, linger_timeout=0.1)
    live = serve(application_of_the_page(), ssl_context=server_context, limits=limits)
    with connect(live) as client:
        client.send(request_)
        response = client.read_response()
        assert (response.status, response["connection"]) == (status, "close")
        assert client.read_to_end() == b""


def test_a_body_in_chunks_with_extensions_and_trailers(serve_tls: Serve, connect: Connect) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read(-1)]

    with connect(serve_tls(application)) as client:
        for _ in range(2):
            client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
            client.send("5;a=b\nhello\n0\nX-User: root\n\n")
            assert client.get("/next").body == b"hello"
            assert client.read_response().body == b""


def test_the_application_of_the_page(serve_tls: Serve, connect: Connect) -> None:
    with connect(serve_tls(application_of_the_page())) as client:
        client.send(REQUEST)
        assert client.read_response().status == 101
        client.send(b"a")
        assert client.read_exactly(1) == b"a"


@pytest.mark.parametrize("factory", [Protocol, BufferedProtocol])
def test_early_bytes_come_first(serve_tls: Serve, connect: Connect, factory: Any) -> None:
    switch = Switch(factory)
    switch.may_answer.clear()
    with connect(serve_tls(switch)) as client:
        client.send(REQUEST + "x" * 30_000)
        assert switch.called.wait(WAIT)
        client.send(b"early")
        switch.may_answer.set()
        client.read_head()
        assert client.read_exactly(30_005) == b"x" * 30_000 + b"early"
        client.send(b"late")
        assert client.read_exactly(4) == b"late"
    (protocol,) = switch.protocols
    assert protocol.lost.wait(WAIT)
    assert protocol.events[0] == "made"
    assert protocol.events.index("turn") >= 2  # early bytes came before the loop's next turn


def test_the_transport_tells_about_itself(serve_tls: Serve, connect: Connect) -> None:
    switch = Switch()
    live = serve_tls(switch)
    with connect(live) as client:
        client.send(REQUEST)
        client.read_head()
        client.send(b"a")
        assert client.read_exactly(1) == b"a"
        transport = switch.protocols[0].transport
        assert transport.get_extra_info("peername")[1] == client.socket.getsockname()[1]
        assert isinstance(transport.get_extra_info("ssl_object"), ssl.SSLSocket)
        assert transport.get_extra_info("unheard of") is None
        assert transport.can_write_eof() is False
        assert transport.get_protocol() is switch.protocols[0]
        assert not transport.is_closing()


class Talkative(Protocol):
    """Writes until it is told to pause."""

    def __init__(self) -> None:
        super().__init__()
        self.paused = threading.Event()
        self.written = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.write()

    def write(self) -> None:
        while not self.paused.is_set():
            self.transport.write(bytes(65536))
            self.written += 65536

    def pause_writing(self) -> None:
        self.paused.set()

    def resume_writing(self) -> None:
        self.paused.clear()
        if self.written < 16 * MIB:
            self.write()
        else:
            self.transport.close()


def test_flow_control_of_writing(serve_tls: Serve, connect: Connect) -> None:
    """The protocol is paused while the client reads slowly; close() sends the queued data."""
    switch = Switch(Talkative)
    with connect(serve_tls(switch)) as client:
        client.send(REQUEST)
        client.read_head()
        data = client.read_to_end()
    (protocol,) = switch.protocols
    assert len(data) == protocol.written >= 16 * MIB
    assert protocol.lost.wait(WAIT)


def test_flow_control_of_reading(serve_tls: Serve, connect: Connect) -> None:
    class Paused(Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.pause_reading()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            assert self.transport.is_reading()

    switch = Switch(Paused)
    live = serve_tls(switch)
    with connect(live) as client:
        client.send(REQUEST)
        client.read_head()
        eventually(lambda: bool(switch.protocols and "made" in switch.protocols[0].events))
        client.send(b"abc")
        live.on_loop(lambda: None)
        assert b"abc" not in switch.protocols[0].events
        live.on_loop(switch.protocols[0].transport.resume_reading)
        assert client.read_exactly(3) == b"abc"


def test_abort_does_not_wait_for_the_client(serve_tls: Serve, connect: Connect) -> None:
    switch = Switch(Talkative)
    live = serve_tls(switch)
    with connect(live) as client:
        client.send(REQUEST)
        client.read_head()
        eventually(lambda: bool(switch.protocols))
        (protocol,) = switch.protocols
        assert protocol.paused.wait(WAIT)
        live.on_loop(protocol.transport.abort)
        assert protocol.lost.wait(WAIT)


@pytest.mark.parametrize("early", ["", "x"])
def test_a_protocol_that_fails_is_aborted(serve_tls: Serve, connect: Connect, early: str) -> None:
    class Failing(Protocol):
        def data_received(self, data: bytes) -> None:
            raise LookupError

    switch = Switch(Failing)
    live = serve_tls(switch)
    with connect(live) as client:
        client.send(REQUEST + early)
        client.read_head()
        client.send(b"a")
        assert client.read_to_end() == b""
    assert switch.protocols[0].lost.wait(WAIT)
    (context,) = live.errors
    assert isinstance(context["exception"], LookupError)
    live.errors.clear()


def test_a_client_that_left_before_attach(serve_tls: Serve, connect: Connect) -> None:
    """connection_made and connection_lost are called in this order, with the data between them."""

    class Late(Switch):
        def close(self) -> None:
            assert client_left.wait(WAIT)
            super().close()

    client_left = threading.Event()
    switch = Late()
    live = serve_tls(switch)
    with connect(live) as client:
        client.send(REQUEST + "early")
        client.read_head()
    for _ in range(10):  # the loop has seen the end of the stream by then, or sees it later
        live.on_loop(lambda: None)
    client_left.set()
    eventually(lambda: bool(switch.protocols))
    (protocol,) = switch.protocols
    assert protocol.lost.wait(WAIT)
    assert protocol.events[:2] == ["made", b"early"]


def test_plain_http_on_the_tls_port(
    serve_tls: Serve, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "tornado.general")  # Tornado warns of the handshake

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"page"]

    live = serve_tls(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert b"200" not in client.read_to_end()
    sock = socket.create_connection(("127.0.0.1", live.port))
    sock.close()
    with connect(live) as client:
        assert client.get().body == b"page"


# RFC 8446 §6.1: "Each party MUST send a "close_notify" alert before closing its write side of the
# connection, unless it has already sent some error alert."


@pytest.fixture
def connect_strictly(authority: trustme.CA) -> Connect:
    """Connect a client for which an end without close_notify is an error."""
    context = ssl.create_default_context()
    authority.configure_trust(context)

    def connect(live: LiveServer) -> Client:
        plain = live.client().socket
        return Client(
            context.wrap_socket(plain, server_hostname="localhost", suppress_ragged_eofs=False)
        )

    return connect


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "5")])
    return [b"hello"]


def assert_clean_end(client: Client) -> None:
    """Read the rest; ssl.SSLEOFError when it may have been truncated."""
    assert client.read_to_end() == b""
    assert client.socket.recv(1) == b""


def test_a_response_that_closes_ends_with_close_notify(
    serve_tls: Serve, connect_strictly: Connect
) -> None:
    with connect_strictly(serve_tls(hello)) as client:
        assert client.get("/", "Connection: close").body == b"hello"
        assert_clean_end(client)


def test_a_body_that_ends_with_its_connection_ends_with_close_notify(
    serve_tls: Serve, connect_strictly: Connect
) -> None:
    def stream(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([bytes(MIB), bytes(MIB)])

    with connect_strictly(serve_tls(stream)) as client:
        client.send("GET / HTTP/1.0\n\n")
        assert client.read_response().body == bytes(2 * MIB)


def test_a_refusal_ends_with_close_notify(serve_tls: Serve, connect_strictly: Connect) -> None:
    with connect_strictly(serve_tls(hello)) as client:
        client.send("GET relative HTTP/1.1\nHost: a\n\n")
        assert client.read_response().status == 400
        assert_clean_end(client)


def test_an_idle_connection_ends_with_close_notify(
    serve: Serve, server_context: ssl.SSLContext, connect_strictly: Connect
) -> None:
    live = serve(hello, ssl_context=server_context, limits=Limits(idle_timeout=0.2))
    with connect_strictly(live) as client:
        assert client.get().body == b"hello"
        assert_clean_end(client)


def test_a_stopping_server_ends_with_close_notify(
    serve_tls: Serve, connect_strictly: Connect
) -> None:
    live = serve_tls(hello)
    with connect_strictly(live) as client:
        assert client.get().body == b"hello"
        live.stop()
        assert_clean_end(client)


def test_a_body_that_was_cut_ends_without_close_notify(
    serve_tls: Serve, connect_strictly: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 9112 §9.8: after an end without close_notify the body may be incomplete."""

    def fail(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        yield b"begun"
        raise LookupError

    live = serve_tls(fail)
    with connect_strictly(live) as client:
        client.send("GET / HTTP/1.0\n\n")
        client.read_head()
        with pytest.raises(ssl.SSLEOFError):
            client.read_to_end()
    live.stop()
    assert "LookupError" in caplog.text


def test_a_raw_stream_ends_with_close_notify(serve_tls: Serve, connect_strictly: Connect) -> None:
    class Farewell(Protocol):
        def data_received(self, data: bytes) -> None:
            self.transport.write(b"bye")
            self.transport.close()

    with connect_strictly(serve_tls(Switch(Farewell))) as client:
        client.send(REQUEST)
        client.read_head()
        client.send(b"x")
        assert client.read_exactly(3) == b"bye"
        assert_clean_end(client)


def test_the_close_notify_of_a_client_is_answered(
    serve_tls: Serve, connect_strictly: Connect
) -> None:
    switch = Switch()
    with connect_strictly(serve_tls(switch)) as client:
        client.send(REQUEST)
        client.read_head()
        client.send(b"a")
        assert client.read_exactly(1) == b"a"
        assert isinstance(client.socket, ssl.SSLSocket)
        client.socket.unwrap().close()  # raises when the server does not answer


def test_a_raw_stream_that_is_aborted_with_unsent_data_ends_without_close_notify(
    serve_tls: Serve, connect_strictly: Connect
) -> None:
    class Large(Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            transport.write(bytes(32 * MIB))  # more than the kernel takes

    switch = Switch(Large)
    live = serve_tls(switch)
    with connect_strictly(live) as client:
        client.send(REQUEST)
        client.read_head()
        eventually(lambda: bool(switch.protocols and switch.protocols[0].events))
        live.on_loop(switch.protocols[0].transport.abort)
        with pytest.raises(ssl.SSLEOFError):
            client.read_to_end()
