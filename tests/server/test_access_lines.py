"""The access line of each request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.applications import TEXT, answer
from tests.support.logs import named
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]


def access_records(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return named(caplog, "c10kws_tornado.access")


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
    assert (first.method, first.path) == ("GET", "/200")


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


def test_a_malformed_request_after_one_whose_thread_is_busy_has_its_own_line(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    may_close = threading.Event()

    class Closing(list[bytes]):
        def close(self) -> None:
            assert may_close.wait(WAIT)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT])
        return Closing([b"a"])

    with serve_as_is(application).client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\nnonsense\n\n")
        assert [client.read_response().status for _ in range(2)] == [200, 400]
        eventually(lambda: bool(access_records(caplog)))
        assert access_records(caplog)[0].getMessage().startswith('127.0.0.1 "-" 400 ')
        may_close.set()
    eventually(lambda: len(access_records(caplog)) == 2)
