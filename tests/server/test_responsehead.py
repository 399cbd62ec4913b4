"""Heads of responses: headers of the application, and those that the server adds."""

from __future__ import annotations

import pytest

from c10kws_tornado.http.errorresponse import plain_error, unavailable
from c10kws_tornado.http.responsehead import (
    make_final_head,
    make_head,
    merge_heads,
)
from c10kws_tornado.http.startresponse import StartResponse


def test_the_bytes_of_a_head() -> None:
    head = make_head("200 OK", [("Date", "now"), ("X-A", " 1"), ("X-A", "2")])
    assert head.encode() == b"HTTP/1.1 200 OK\r\nDate: now\r\nX-A: 1\r\nX-A: 2\r\n\r\n"


def test_a_101_names_the_protocol_and_a_426_websocket() -> None:
    head = dict(make_head("101 Switching Protocols", [], upgrade="chat").fields)
    assert (head["Connection"], head["Upgrade"]) == ("Upgrade", "chat")
    head = dict(make_head("426 Upgrade Required", [], upgrade="chat").fields)
    assert (head["Connection"], head["Upgrade"]) == ("Upgrade", "websocket")


@pytest.mark.parametrize("status", ["200OK", "2000 OK", "", "OK", "099 Low", "200 a\nb"])
def test_an_invalid_status(status: str) -> None:
    with pytest.raises(ValueError, match="Invalid status"):
        make_head(status, [])


@pytest.mark.parametrize("length", ["-1", "a", "", "1.5"])
def test_an_invalid_content_length(length: str) -> None:
    with pytest.raises(ValueError, match="Invalid Content-Length"):
        make_head("200 OK", [("Content-Length", length)])


def test_two_content_lengths() -> None:
    twice = [("Content-Length", "3"), ("Content-Length", "3")]
    assert make_head("200 OK", twice).length == 3
    with pytest.raises(ValueError, match="set one number"):
        make_head("200 OK", [("Content-Length", "3"), ("Content-Length", "4")])


def test_an_invalid_header() -> None:
    with pytest.raises(ValueError, match="Invalid header 'X-A': 'a\\\\r\\\\nb'"):
        make_head("200 OK", [("X-A", "a\r\nb")])


def test_the_end_of_the_connection_ends_a_body_of_http_1_0() -> None:
    assert make_final_head("200 OK", [], version="HTTP/1.0", close=False).close
    length = [("Content-Length", "1")]
    assert not make_final_head("200 OK", length, version="HTTP/1.0", close=False).close
    assert not make_final_head("200 OK", [], version="HTTP/1.1", close=False).close
    head = make_final_head("200 OK", [], version="HTTP/1.1", close=True)
    assert head.close and dict(head.fields)["Connection"] == "close"


def test_a_final_status() -> None:
    with pytest.raises(ValueError, match="'103 Early Hints' is not final"):
        make_final_head("103 Early Hints", [], version="HTTP/1.1", close=False)


def test_a_204_has_no_length() -> None:
    length = [("Content-Length", "0")]
    head = make_final_head("204 No Content", length, version="HTTP/1.1", close=False)
    assert "Content-Length" not in dict(head.fields)


def test_the_heads_of_a_deferred_response() -> None:
    provisional = [("X-Frame-Options", "DENY"), ("Set-Cookie", "a=1"), ("Content-Length", "9")]
    final = [("set-cookie", "b=2"), ("x-frame-options", "SAMEORIGIN")]
    assert merge_heads(provisional, final) == [("Set-Cookie", "a=1"), *final]


def test_an_error_response_closes_when_it_is_encoded() -> None:
    response = unavailable("Busy.")
    assert b"Connection" not in response.encode_head(close=False)
    head, body = response.encode().split(b"\r\n\r\n")
    assert body == b"Busy.\n"
    assert {b"Connection: close", b"Retry-After: 1", b"Content-Length: 6"} <= set(
        head.split(b"\r\n")
    )
    assert plain_error(400, "Bad Request", "é").headers[1] == ("Content-Length", "3")


def test_start_response_is_called_once_without_exc_info() -> None:
    written: list[bytes] = []
    start_response = StartResponse(written.append, lambda: False)
    start_response("200 OK", [])(b"data")
    assert written == [b"data"]
    with pytest.raises(AssertionError, match="needs exc_info"):
        start_response("200 OK", [])
    error = ValueError()
    start_response("500 Oops", [], (ValueError, error, None))  # type: ignore[arg-type]
    assert start_response.status == "500 Oops"


def test_start_response_raises_when_the_head_is_sent() -> None:
    start_response = StartResponse(lambda data: None, lambda: True)
    start_response("200 OK", [])
    error = ValueError("late")
    with pytest.raises(ValueError, match="late"):
        start_response("500 Oops", [], (ValueError, error, None))  # type: ignore[arg-type]
