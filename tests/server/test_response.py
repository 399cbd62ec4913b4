"""Responses: heads, lengths, and applications that raise."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.applications import TEXT, answer
from tests.support.servers import LiveServer, get

Serve = Callable[..., LiveServer]


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
