"""Responses: heads, lengths, and applications that raise."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.peers import Response
from tests.support.servers import LiveServer
from tests.support.waiting import eventually

Serve = Callable[..., LiveServer]
TEXT = ("Content-Type", "text/plain")


def answer(status: str, headers: list[tuple[str, str]], *body: bytes) -> Any:
    """Return an application."""

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, headers)
        return list(body)

    return application


def get(live: LiveServer, method: str = "GET") -> Response:
    with live.client() as client:
        return client.get("/", method=method)


def test_a_date_is_added(serve: Serve) -> None:
    response = get(serve(answer("200 OK", [TEXT], b"a")))
    date = response["date"]
    assert date is not None
    assert date.endswith(" GMT")


def test_a_date_of_the_application_is_kept(serve: Serve) -> None:
    assert get(serve(answer("200 OK", [TEXT, ("Date", "now")], b"a")))["date"] == "now"


def test_status_and_reason(serve: Serve) -> None:
    response = get(serve(answer("418 I'm a teapot", [TEXT], b"a")))
    assert (response.status, response.reason) == (418, "I'm a teapot")


def test_a_body_of_unknown_length_is_chunked(serve: Serve) -> None:
    response = get(serve(answer("200 OK", [TEXT], b"a", b"", b"bc")))
    assert response["transfer-encoding"] == "chunked"
    assert response.body == b"abc"


def test_repeated_headers(serve: Serve) -> None:
    cookies = [("Set-Cookie", " a=1; Path=/"), ("Set-Cookie", "b=2"), ("X-A", "caf\u00e9 ")]
    response = get(serve(answer("200 OK", [TEXT, *cookies], b"a")))
    assert response.all("set-cookie") == ["a=1; Path=/", "b=2"]
    assert response["x-a"] == "caf\u00e9"


@pytest.mark.parametrize("length", [[], [("Content-Length", "3")]])
def test_head_has_no_body(serve: Serve, length: list[tuple[str, str]]) -> None:
    with serve(answer("200 OK", [TEXT, *length], b"abc")).client() as client:
        for _ in range(2):
            response = client.get(method="HEAD")
            assert response["content-length"] == (length[0][1] if length else None)
            assert response["transfer-encoding"] is None
        assert client.get().body == b"abc"


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
def test_no_body_where_there_is_none(serve_as_is: Serve, status: str) -> None:
    headers = [("Content-Length", "3")]
    with serve_as_is(answer(status, headers, b"abc")).client() as client:
        for _ in range(2):
            response = client.get()
            assert response["transfer-encoding"] is None
            assert response["content-length"] == ("3" if status.startswith("304") else None)


def test_too_much_is_cut_at_the_declared_length(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(answer("200 OK", [TEXT, ("Content-Length", "3")], b"ab", b"cd", b"ef"))
    with live.client() as client:
        assert client.get().body == b"abc"
        assert client.get().body == b"abc"
    live.stop()
    errors = [each for each in caplog.records if each.name == "c10kws_tornado.error"]
    assert len(errors) == 2
    assert "longer than its Content-Length of 3" in errors[0].getMessage()


def test_too_little_closes_the_connection(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    live = serve(answer("200 OK", [TEXT, ("Content-Length", "5")], b"ab"))
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert client.read_head()["content-length"] == "5"
        assert client.read_to_end() == b"ab"
    live.stop()
    assert "The body ended after 2 bytes; its Content-Length is 5." in caplog.text


def test_hop_by_hop_headers_are_the_servers(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    theirs = [("Transfer-Encoding", "chunked"), ("Keep-Alive", "x"), ("Upgrade", "h2c")]
    response = get(serve_as_is(answer("200 OK", [TEXT, *theirs], b"a")))
    assert response.body == b"a"
    assert response.all("transfer-encoding") == ["chunked"]  # once, and correct
    assert response["keep-alive"] is None
    assert response["upgrade"] is None
    assert (
        "Dropped the application's header Keep-Alive: x. Only the server may set it." in caplog.text
    )


def test_connection_close_is_honoured(serve_as_is: Serve) -> None:
    headers = [TEXT, ("Connection", "close"), ("Content-Length", "1")]
    with serve_as_is(answer("200 OK", headers, b"a")).client() as client:
        response = client.get()
        assert response["connection"] == "close"
        assert response.body == b"a"
        assert client.read_to_end() == b""


def test_a_426_says_what_to_upgrade_to(serve: Serve) -> None:
    with serve(answer("426 Upgrade Required", [TEXT], b"a")).client() as client:
        for _ in range(2):
            response = client.get()
            assert response["upgrade"] == "websocket"
            assert response["connection"] == "Upgrade"
            assert response.body == b"a"


# Applications that fail


def assert_is_500(live: LiveServer) -> None:
    """The client receives a 500 without details; the connection stays open."""
    with live.client() as client:
        for _ in range(2):
            response = client.get()
            assert response.status == 500
            assert response.body == b"Internal Server Error\n"


def raises(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise LookupError("secret")


def raises_after_its_head(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [TEXT])
    raise LookupError("secret")


def raises_in_its_body(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
    start_response("200 OK", [TEXT])
    raise LookupError("secret")
    yield b""


def exits(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    raise SystemExit("secret")


def has_no_head(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return [b"secret"]


def has_no_head_and_no_body(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    return []


def returns_nothing(environ: dict[str, Any], start_response: Any) -> None:
    start_response("200 OK", [TEXT])


def starts_twice(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [TEXT])
    start_response("200 OK", [TEXT])
    return []


def yields_text(environ: dict[str, Any], start_response: Any) -> list[Any]:
    start_response("200 OK", [TEXT])
    return ["secret"]


@pytest.mark.parametrize(
    "application",
    [
        raises,
        raises_after_its_head,
        raises_in_its_body,
        exits,
        has_no_head,
        has_no_head_and_no_body,
        returns_nothing,
        starts_twice,
        yields_text,
        answer("OK", [TEXT]),
        answer("200\r\nX: 1", [TEXT]),
        answer("103 Early Hints", []),
        answer("101 Switching Protocols", []),
        answer("200 OK", [("X-A", "a\r\nX-B: b")]),
        answer("200 OK", [("X A", "a")]),
        answer("200 OK", [("X-A", "\u20ac")]),
        answer("200 OK", [("Content-Length", "1"), ("Content-Length", "2")]),
        answer("200 OK", [("Content-Length", "-1")]),
    ],
)
def test_a_failure_before_the_first_byte_is_500(
    serve_as_is: Serve, application: Any, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve_as_is(application)
    assert_is_500(live)
    live.stop()
    record = next(each for each in caplog.records if each.name == "c10kws_tornado.error")
    assert record.getMessage() == "GET / HTTP/1.1: the application raised."
    assert record.exc_info is not None


def test_a_head_request_that_fails(serve_as_is: Serve) -> None:
    with serve_as_is(raises).client() as client:
        for _ in range(2):
            assert client.get(method="HEAD").status == 500


def test_a_failure_after_the_first_byte_aborts(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    closed = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            yield b"a"
            raise LookupError("secret")

        def close(self) -> None:
            closed.append(True)

    def application(environ: dict[str, Any], start_response: Any) -> Body:
        start_response("200 OK", [TEXT])
        return Body()

    live = serve(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        assert client.read_chunk() == b"a"
        assert client.read_to_end() == b""  # without the last chunk: the body is incomplete
    live.stop()
    assert closed == [True]
    assert "LookupError: secret" in caplog.text


def test_exc_info_before_the_head_is_sent(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [TEXT, ("X-A", "1")])
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [TEXT], sys.exc_info())
        return [b"sorry"]

    response = get(serve(application))
    assert (response.status, response.reason, response.body) == (500, "Oops", b"sorry")
    assert response["x-a"] is None


def test_exc_info_after_the_head_is_sent(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [TEXT])
        yield b"a"
        try:
            raise LookupError("late")
        except LookupError:
            start_response("500 Oops", [TEXT], sys.exc_info())
        yield b"never"

    live = serve(application)
    with live.client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        assert b"never" not in client.read_to_end()
    live.stop()
    assert "LookupError: late" in caplog.text


def test_write(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [TEXT])
        write(b"a")
        write(b"b")
        return [b"c"]

    assert get(serve(application)).body == b"abc"


def test_write_and_no_body(serve: Serve) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [TEXT, ("Content-Length", "1")])(b"a")
        return []

    with serve(application).client() as client:
        assert [client.get().body for _ in range(2)] == [b"a", b"a"]


# The access log


def access_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name == "c10kws_tornado.access"]


def test_the_access_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        status = environ["PATH_INFO"].strip("/")
        start_response(f"{status} Status", [TEXT])
        return [b"abc"]

    live = serve(application)
    with live.client() as client:
        for number, status in enumerate((200, 302, 404, 503)):
            client.get(f"/{status}?a=\u00e9\x85")
            eventually(lambda: len(access_records(caplog)) > number)  # noqa: B023
    records = access_records(caplog)
    levels = [logging.INFO, logging.INFO, logging.WARNING, logging.ERROR]
    assert [record.levelno for record in records] == levels
    first: Any = records[0]
    start, _, seconds = first.getMessage().rpartition(" ")
    assert start == r'127.0.0.1 "GET /200?a=\xe9\x85 HTTP/1.1" 200 3'
    assert seconds == f"{first.duration:.3f}s"
    assert (first.status_code, first.remote_addr, first.size) == (200, "127.0.0.1", 3)


def test_refusals_are_in_the_access_log(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    live = serve(answer("200 OK", [TEXT]))
    with live.client() as client:
        client.send("GET relative HTTP/1.1\nHost: a\n\n")
        client.read_to_end()
    live.stop()
    (record,) = access_records(caplog)
    assert '"GET relative HTTP/1.1" 400 ' in record.getMessage()


def line_of(live: LiveServer, caplog: pytest.LogCaptureFixture, path: str, *headers: str) -> str:
    """Return the access line of one request, without its duration."""
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    with live.client() as client:
        client.get(path, *headers)
    eventually(lambda: bool(access_records(caplog)))
    (record,) = access_records(caplog)
    return record.getMessage().rpartition(" ")[0]


@pytest.mark.parametrize(
    ("hops", "address"),
    [
        (["192.0.2.7"], "192.0.2.7"),
        (["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
        (["1.1.1.1", "192.0.2.7,10.0.0.2 , 10.0.0.3"], "192.0.2.7"),
        (["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        (["192.0.2.7:4711"], "192.0.2.7"),
        (["2001:DB8::7"], "2001:db8::7"),
        (["[2001:db8::7]:4711"], "2001:db8::7"),
        (["::ffff:192.0.2.7"], "192.0.2.7"),
        (["192.0.2.7, unknown"], "127.0.0.1"),
        (["192.0.2.7, \x85[2J, 10.0.0.3"], "10.0.0.3"),
        ([""], "127.0.0.1"),
    ],
)
def test_the_line_of_a_client_behind_a_trusted_proxy(
    serve: Serve, caplog: pytest.LogCaptureFixture, hops: list[str], address: str
) -> None:
    live = serve(answer("200 OK", [TEXT]), trusted_proxies=["127.0.0.1", "10.0.0.0/8"])
    headers = [f"X-Forwarded-For: {hop}" for hop in hops]
    assert line_of(live, caplog, "/", *headers) == f'{address} "GET / HTTP/1.1" 200 0'


def test_the_line_of_a_client_that_claims_to_be_another(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve(answer("200 OK", [TEXT]), trusted_proxies=["10.0.0.0/8"])
    assert line_of(live, caplog, "/", "X-Forwarded-For: 192.0.2.7").startswith("127.0.0.1 ")


@pytest.mark.parametrize(
    ("header", "log_query_strings", "shown"),
    [
        ("Upgrade: websocket", False, False),
        ("Upgrade: websocket", True, True),
        ("Accept: text/event-stream", False, False),
        ("Accept: text/html", False, True),
    ],
)
def test_the_line_of_a_request_that_may_carry_a_token(
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
    header: str,
    log_query_strings: bool,
    shown: bool,
) -> None:
    live = serve(answer("200 OK", [TEXT]), log_query_strings=log_query_strings)
    path = "/?token=a" if shown else "/"
    line = line_of(live, caplog, "/?token=a", header)
    assert line == f'127.0.0.1 "GET {path} HTTP/1.1" 200 0'


class FailingHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        raise LookupError("in the handler")


@pytest.fixture
def failing_handler(request: pytest.FixtureRequest) -> Iterator[None]:
    handler = FailingHandler()
    logger = logging.getLogger(getattr(request, "param", "c10kws_tornado.access"))
    logger.addHandler(handler)
    yield
    logger.removeHandler(handler)


@pytest.mark.usefixtures("failing_handler")
def test_a_log_handler_that_fails_holds_no_request(
    serve: Serve, capsys: pytest.CaptureFixture[str]
) -> None:
    live = serve(answer("404 Not Found", [TEXT], b"a"))
    with live.client() as client:
        for _ in range(2):
            assert client.get().status == 404
        for _ in range(2):
            with live.client() as refused:
                refused.send("GET relative HTTP/1.1\nHost: a\n\n")
                assert refused.read_response().status == 400
    eventually(lambda: live.server.requests == 0)
    live.stop()
    live.server.pool.shutdown(wait=True)
    assert capsys.readouterr().err.count("LookupError: in the handler") == 4


@pytest.mark.parametrize("failing_handler", ["c10kws_tornado"], indirect=True)
def test_a_log_handler_that_fails_takes_no_thread(
    serve: Serve, failing_handler: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] == "/broken":
            raise ValueError("broken")
        start_response("200 OK", [TEXT])
        return [b"a"]

    live = serve(application, threads=2)
    for path, status in [("/", 200), ("/broken", 500)] * 3:  # more often than there are threads
        with live.client() as client:
            assert client.get(path).status == status
    assert "LookupError: in the handler" in capsys.readouterr().err
