"""Applications that raise, or whose responses are invalid."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.applications import TEXT, answer
from tests.support.servers import LiveServer, get

Serve = Callable[..., LiveServer]


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


def test_a_request_line_cannot_forge_lines_of_the_log(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    live = serve_as_is(raises)
    with live.client() as client:
        assert client.get("/\x85\x9b").status == 500
    live.stop()
    record = next(each for each in caplog.records if each.name == "c10kws_tornado.error")
    assert record.getMessage() == r"GET /\x85\x9b HTTP/1.1: the application raised."


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
