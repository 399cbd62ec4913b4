"""Incoming requests: connections, bodies, limits and error responses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tornado.web import RequestHandler

from c10kws_tornado import Limits, make_application
from tests.support.applications import digest, hello, read_body
from tests.support.logs import messages
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
MIB = 1024 * 1024


def test_a_connection_is_kept(serve: Serve) -> None:
    with serve(hello).client() as client:
        for _ in range(3):
            response = client.get()
            assert (response.status, response.reason, response.body) == (200, "OK", b"hello")
            assert response["connection"] is None


@pytest.mark.parametrize("value", ["close", "Close", "TE, close", "keep-alive ,CLOSE,", "close,x"])
def test_connection_close(serve: Serve, value: str) -> None:
    """RFC 9110 §7.6.1: the header is a list."""
    with serve(hello).client() as client:
        response = client.get("/", f"Connection: {value}")
        assert response["connection"] == "close"
        assert response.body == b"hello"
        assert client.read_to_end() == b""


def test_pipelined_requests_are_answered_in_order(serve: Serve) -> None:
    def echo_path(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["PATH_INFO"].encode()]

    with serve(echo_path).client() as client:
        client.send("".join(f"GET /{i} HTTP/1.1\nHost: a\n\n" for i in range(20)))
        assert [client.read_response().body for _ in range(20)] == [b"/%d" % i for i in range(20)]


@pytest.mark.parametrize("value", ["close", "keep-alive, close", "x\nConnection: close"])
def test_nothing_runs_behind_a_close(serve: Serve, value: str) -> None:
    paths = []

    def remember(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        paths.append(environ["PATH_INFO"])
        return hello(environ, start_response)

    live = serve(remember)
    with live.client() as client:
        head = f"GET /1 HTTP/1.1\nHost: a\nConnection: {value}\n\n"
        client.send(head + "GET /2 HTTP/1.1\nHost: a\n\n")
        assert client.read_response().body == b"hello"
        assert client.read_to_end() == b""
    live.stop()
    assert paths == ["/1"]


def test_http_1_0(serve: Serve) -> None:
    live = serve(hello)
    with live.client() as client:
        client.send("GET / HTTP/1.0\n\n")
        assert client.read_response().body == b"hello"
        assert client.read_to_end() == b""
    with live.client() as client:
        for _ in range(2):
            client.send("GET / HTTP/1.0\nConnection: keep-alive\n\n")
            response = client.read_response()
            assert response["connection"] == "Keep-Alive"
            assert response.body == b"hello"


@pytest.mark.parametrize("version", ["1.0", "1.2"])
def test_a_body_of_unknown_length_ends_with_the_connection(serve: Serve, version: str) -> None:
    def stream(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return iter([b"a", b"b"])

    with serve(stream).client() as client:
        client.send(f"GET / HTTP/{version}\nHost: a\nConnection: keep-alive\n\n")
        response = client.read_response()
        assert response["transfer-encoding"] is None
        assert response.body == b"ab"


@pytest.mark.parametrize("size", [0, 1, 100_000, 5 * MIB])
def test_a_body_with_a_length(serve: Serve, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    with serve(read_body).client() as client:
        for _ in range(2):
            client.send(f"POST / HTTP/1.1\nHost: a\nContent-Length: {size}\n\n")
            client.send(body)
            assert client.read_response().body.decode() == f"POST {size} {digest(body)}"


@pytest.mark.parametrize("chunks", [[], [b"a"], [b"ab", b"c" * 70_000], [b"d" * 10_000] * 300])
def test_a_chunked_body_has_its_length(serve: Serve, chunks: list[bytes]) -> None:
    body = b"".join(chunks)
    with serve(read_body).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        for chunk in chunks:
            client.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        client.send(b"0\r\n\r\n")
        assert client.read_response().body.decode() == f"POST {len(body)} {digest(body)}"


def test_a_body_is_a_file_on_disk_above_the_spool_size(serve_as_is: Serve) -> None:
    rolled = []

    def look(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        rolled.append(environ["wsgi.input"].fileno)
        start_response("200 OK", [])
        body = environ["wsgi.input"]
        body.seek(0)
        return [str(len(body.read())).encode()]

    live = serve_as_is(look, limits=Limits(spool_size=1000))
    with live.client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 200000\n\n")
        client.send(bytes(200_000))
        assert client.read_response().body == b"200000"
    assert rolled


def test_the_application_is_called_when_the_body_is_complete(serve: Serve) -> None:
    called = threading.Event()

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.set()
        return read_body(environ, start_response)

    with serve(note).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 2\n\na")
        assert client.read_head().status == 100  # so the head has arrived
        assert not called.is_set()
        client.send(b"b")
        assert client.read_response().body.decode() == f"POST 2 {digest(b'ab')}"


@pytest.mark.parametrize("expect", ["100-continue", "100-Continue"])
def test_expect_100_continue(serve: Serve, expect: str) -> None:
    with serve(read_body).client() as client:
        client.send(f"POST / HTTP/1.1\nHost: a\nExpect: {expect}\nContent-Length: 1\n\n")
        assert client.read_head().status == 100
        client.send(b"a")
        assert client.read_response().status == 200


def test_http_1_0_expects_nothing(serve: Serve) -> None:
    with serve(read_body).client() as client:
        client.send("POST / HTTP/1.0\nExpect: 100-continue\nContent-Length: 1\n\na")
        assert client.read_response().status == 200


def test_a_body_over_its_limit_is_refused_before_100_continue(serve: Serve) -> None:
    with serve(read_body, limits=Limits(max_body_size=10)).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nExpect: 100-continue\nContent-Length: 11\n\n")
        response = client.read_response()
        assert response.status == 413
        assert b"exceeds the limit of 10 bytes" in response.body
        assert response["connection"] == "close"
        assert client.read_to_end() == b""


@pytest.mark.parametrize("length", ["11", "99999999999999999999999", "11, 11"])
def test_the_client_sees_the_413_though_it_is_sending(serve: Serve, length: str) -> None:
    with serve(read_body, limits=Limits(max_body_size=10)).client() as client:
        client.send(f"POST / HTTP/1.1\nHost: a\nContent-Length: {length}\n\n")
        for _ in range(8):
            client.send(bytes(65536) if len(length) > 20 else b"x")
        client.send(b"yyy")
        assert client.read_response().status == 413


def test_a_chunked_body_over_its_limit(serve: Serve) -> None:
    with serve(read_body, limits=Limits(max_body_size=100_000)).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        for _ in range(20):
            client.send(b"2710\r\n%b\r\n" % bytes(10_000))
        assert client.read_response().status == 413


def test_a_body_of_exactly_the_limit(serve: Serve) -> None:
    with serve(read_body, limits=Limits(max_body_size=10)).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\n0123456789")
        assert client.read_response().status == 200


@pytest.mark.parametrize("size", [66_000, 120_000])
def test_a_head_over_its_limit(serve: Serve, size: int) -> None:
    live = serve(hello)
    with live.client() as client:
        response = client.get("/", f"X-A: {'a' * size}")
        assert response.status == 431
        assert response["connection"] == "close"
        assert client.read_to_end() == b""
    with live.client() as client:
        assert client.get("/" + "a" * size).status == 431


@pytest.mark.parametrize("line", ["GET / HTTP/1.1\r\nHost: a\r\nX-A: ", "GET /"])
@pytest.mark.parametrize("size", [140_000, 3_000_000])
def test_a_head_far_over_its_limit(
    serve: Serve, caplog: pytest.LogCaptureFixture, line: str, size: int
) -> None:
    """Above twice the limit the server parses no head at all."""
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    live = serve(hello, limits=Limits(linger_timeout=WAIT))
    with live.client() as client:
        client.send(line.encode() + b"a" * size)
        response = client.read_response()
        assert (response.status, response["connection"]) == (431, "close")
        assert b"The request line and headers exceed the limit of 65536 bytes." in response.body
        assert client.read_to_end() == b""
    live.stop()
    (access,) = messages(caplog, "c10kws_tornado.access")
    assert '"-" 431 62' in access


@pytest.mark.parametrize(
    "chunks", [b"5;a=b\r\nhello\r\n0\r\n\r\n", b'5 ; a\r\nhello\r\n0;b="c"\r\n\r\n']
)
def test_chunk_extensions_are_ignored(serve: Serve, chunks: bytes) -> None:
    """RFC 9112 §7.1.1."""
    with serve(read_body).client() as client:
        for _ in range(2):
            client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
            client.send(chunks)
            assert client.read_response().body.decode() == f"POST 5 {digest(b'hello')}"


@pytest.mark.parametrize("at_once", [True, False])
def test_trailers_are_ignored(serve: Serve, at_once: bool) -> None:
    """RFC 9112 §7.1.2: lines after the last chunk must not become headers."""
    body = b"3;x\r\nabc\r\n2\r\nde\r\n0\r\nX-User: root\r\nETag: 5\r\n\r\n"
    with serve(read_body).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        for piece in [body] if at_once else [bytes([byte]) for byte in body]:
            client.send(piece)
        client.send("GET /next HTTP/1.1\nHost: a\n\n")
        assert client.read_response().body.decode() == f"POST 5 {digest(b'abcde')}"
        assert client.read_response().body.decode() == f"GET None {digest(b'')}"


def test_a_head_under_its_limit(serve: Serve) -> None:
    with serve(hello).client() as client:
        assert client.get("/", f"X-A: {'a' * 60_000}").status == 200


@pytest.mark.parametrize(
    "request_",
    [
        "nonsense\n\n",
        "GET / HTTP/2.0\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\nX A: 1\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: -1\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 1, 2\n\n",
        "POST / HTTP/1.1\nHost: a\nContent-Length: 1\nTransfer-Encoding: chunked\n\n",
        "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: gzip\n\n",
        *(
            f"POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n{chunks}\n"
            for chunks in (
                "xyz",
                "1;" + "x" * 5_000,
                "1\na\n" * 30 + ("1;" + "x" * 4_000 + "\na\n") * 20,
                "0\nX-A: " + "x" * 5_000,
                "0\n" + "X-A: 1\n" * 12_000,
                "0\nno header\n",
            )
        ),
    ],
)
def test_malformed_requests(serve: Serve, caplog: pytest.LogCaptureFixture, request_: str) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    called = []

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.append(environ)
        return hello(environ, start_response)

    live = serve(note)
    with live.client() as client:
        client.send(request_)
        response = client.read_response()
        assert (response.status, response["connection"]) == (400, "close")
        assert response["date"] and response["content-length"]
        assert client.read_to_end() == b""
    live.stop()
    assert not called
    (access,) = messages(caplog, "c10kws_tornado.access")
    assert " 400 " in access


@pytest.mark.parametrize(
    "chunks", [b"1;a\nb\r\nx\r\n0\r\n\r\n", b"1\nx\r\n", b"0\r\nX-A: 1\nX-B: 2\r\n\r\n"]
)
def test_a_bare_line_feed_ends_no_chunk(serve: Serve, chunks: bytes) -> None:
    """A proxy that treats it as the end of a line would see other requests in these bytes."""
    with serve(hello).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        client.send(chunks)
        assert client.read_response().status == 400
        assert client.read_to_end() == b""


def test_a_refusal_is_followed_by_no_other(serve: Serve) -> None:
    with serve(hello, limits=Limits(max_body_size=10)).client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        client.send(b"f\r\n%b\r\n" % bytes(15))
        assert client.read_response().status == 413
        client.send(b"xyz\r\n")
        assert client.read_to_end() == b""


@pytest.mark.parametrize("native", [None, "/"])
@pytest.mark.parametrize("connection", ["", "Connection: keep-alive\n"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_http_1_0_has_no_transfer_encoding(
    serve: Serve, method: str, connection: str, native: str | None
) -> None:
    """RFC 9112 §6.1: the framing is faulty; bytes after the head are not a second request."""
    called = []

    def note(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        called.append(environ["PATH_INFO"])
        return hello(environ, start_response)

    class Note(RequestHandler):
        def get(self) -> None:
            called.append(self.request.path)

        post = get

    live = serve(note, tornado_app=native and make_application([(native, Note)], {}))
    with live.client() as client:
        client.send(f"{method} / HTTP/1.0\n{connection}Transfer-Encoding: chunked\n\n0\n\n")
        client.send("GET /second HTTP/1.1\nHost: a\n\n")
        response = client.read_response()
        assert response.status == 400
        assert response["connection"] == "close"
        assert b"Transfer-Encoding in an HTTP/1.0 request" in response.body
        assert client.read_to_end() == b""
    live.stop()
    assert not called


def test_a_head_refusal_has_no_body(serve: Serve) -> None:
    with serve(hello).client() as client:
        client.send("HEAD relative HTTP/1.1\nHost: a\n\n")
        response = client.read_response("HEAD")
        assert response.status == 400
        assert int(response["content-length"] or 0) > 0
        assert client.read_to_end() == b""


def test_a_full_queue_is_503(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    running, may_end = threading.Semaphore(0), threading.Event()

    def wait(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        running.release()
        assert may_end.wait(WAIT)
        return hello(environ, start_response)

    live = serve(wait, threads=1, queue_size=1)
    with live.client() as first, live.client() as second, live.client() as third:
        first.send("GET /1 HTTP/1.1\nHost: a\n\n")
        assert running.acquire(timeout=WAIT)
        # One thread is taken, and one place in the queue: either the second or the third gets it.
        for client, path in ((second, 2), (third, 3)):
            client.send(f"POST /{path} HTTP/1.1\nHost: a\nContent-Length: 1\n\nx")
        eventually(lambda: live.server.pool.refused == 1)
        may_end.set()
        assert first.read_response().status == 200
        answers = [second.read_response(), third.read_response()]
        refusal, answer = sorted(answers, key=lambda response: -response.status)
        assert (answer.status, refusal.status) == (200, 503)
        assert refusal["retry-after"] == "1"
        refused = answers.index(refusal)
        # The connection stays open.
        assert (second, third)[refused].get("/4").status == 200
    live.stop()
    lines = [record.getMessage() for record in caplog.records]
    assert sum(" 503 " in line for line in lines) == 1
    assert live.server.pool.refused == 1


def test_a_client_that_leaves_in_its_body(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    live = serve(read_body)
    with live.client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 10\n\nabc")
        client.socket.shutdown(1)
        assert client.read_to_end() == b""
    live.stop()
    (record,) = [record for record in caplog.records if record.name == "c10kws_tornado.access"]
    assert '"POST / HTTP/1.1" 400 0 ' in record.getMessage()


GET = "GET / HTTP/1.1\nHost: a\n\n"
POST = "POST / HTTP/1.1\nHost: a\nContent-Length: 5\n\nhello"
HEAD = "POST /stall HTTP/1.1\nHost: a\n"
