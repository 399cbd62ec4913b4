"""Heads of requests: their lines, and the framing of a body."""

from __future__ import annotations

import pytest

from c10kws_tornado.http import headlines
from c10kws_tornado.http.requesthead import BadRequest, has_option, parse_head


def head(*lines: str, version: str = "1.1", method: str = "POST") -> bytes:
    return "\r\n".join((f"{method} / HTTP/{version}", *lines)).encode("latin-1")


def test_the_lines_of_a_head() -> None:
    parsed = parse_head(head("host: a", "X-A: 1", "Cookie: a=1", "x-a:2 ", "cookie:b=2", "X_B: 3"))
    assert parsed.start_line == ("POST", "/", "HTTP/1.1")
    assert parsed.fields == {"HTTP_HOST": "a", "HTTP_X_A": "1,2", "HTTP_COOKIE": "a=1; b=2"}
    headers = parsed.headers(trusted=False)
    assert headers.get_list("X-A") == ["1", "2"]
    assert headers["X_b"] == "3"


def test_forwarded_headers_are_kept_apart() -> None:
    parsed = parse_head(head("Host: a", "X-Forwarded-For: 1", "x-forwarded-for: 2"))
    assert parsed.fields == {"HTTP_HOST": "a"}
    assert parsed.forwarded == {"HTTP_X_FORWARDED_FOR": "1,2"}
    assert "X-Forwarded-For" not in parsed.headers(trusted=False)
    assert parsed.headers(trusted=True)["X-Forwarded-For"] == "1,2"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GET /",
        b"GET / HTTP/2.0",
        b"GET / HTTP/1.1\r",
        b"GET  / HTTP/1.1",
        b" GET / HTTP/1.1",
        b"GET /\x00 HTTP/1.1",
        b"GET / HTTP/1.1\r\nX-A",
        b"GET / HTTP/1.1\r\nX A: 1",
        b"GET / HTTP/1.1\r\nX-A : 1",
        b"GET / HTTP/1.1\r\n: 1",
        b"GET / HTTP/1.1\r\nX-A: a\x00b",
        b"GET / HTTP/1.1\r\nX-A: a\rb",
        b"GET / HTTP/1.1\r\nX-A: a\r\r\nX-B: b",
        b"GET / HTTP/1.1\r\nX-A: a\r\n b",
        b"GET / HTTP/1.1\r\n X-A: a",
    ],
)
def test_a_malformed_head(data: bytes) -> None:
    for _ in range(2):  # the second time a line might be cached
        with pytest.raises(BadRequest):
            parse_head(data)


def test_a_bare_lf_may_end_a_line() -> None:
    """RFC 9112 §2.2."""
    parsed = parse_head(b"GET / HTTP/1.1\nHost: a\nX-A: 1\r\nX-B: 2")
    assert parsed.fields == {"HTTP_HOST": "a", "HTTP_X_A": "1", "HTTP_X_B": "2"}


@pytest.mark.parametrize(
    ("lines", "version", "reason"),
    [
        ([], "1.1", "no Host"),
        (["Host: a", "Host: a"], "1.1", "more than one Host"),
        (["Host: a", "Host: b"], "1.0", "more than one Host"),
        (["Host: a:" + "1" * 19], "1.1", "invalid Host"),
        (["Transfer-Encoding: chunked"], "1.0", "in an HTTP/1.0 request"),
        (["Host: a", "Transfer-Encoding: gzip"], "1.1", "unsupported"),
        (["Host: a", "Transfer-Encoding: chunked, chunked"], "1.1", "unsupported"),
        (["Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: x"], "1.1", "unsupported"),
        (["Host: a", "Transfer-Encoding: chunked", "Content-Length: 1"], "1.1", "both"),
        (["Host: a", "Content-Length: -1"], "1.1", "invalid Content-Length"),
        (["Host: a", "Content-Length: +1"], "1.1", "invalid Content-Length"),
        (["Host: a", "Content-Length: "], "1.1", "invalid Content-Length"),
        (["Host: a", "Content-Length: 1_0"], "1.1", "invalid Content-Length"),
        (["Host: a", "Content-Length: \u00b2"], "1.1", "invalid Content-Length"),
        (["Host: a", "Content-Length: 1, 2"], "1.1", "invalid Content-Length"),
        (["Host: a", "Content-Length: 1", "Content-Length: 2"], "1.1", "invalid Content-Length"),
    ],
)
def test_a_head_that_is_not_served(lines: list[str], version: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        parse_head(head(*lines, version=version)).check()


@pytest.mark.parametrize(
    ("lines", "chunked", "has_body", "length"),
    [
        ([], False, False, 0),
        (["Content-Length: 0"], False, True, 0),
        (["Content-Length: 007"], False, True, 7),
        (["Content-Length: 5, 5"], False, True, 5),
        (["Content-Length: 5", "Content-Length: 5"], False, True, 5),
        (["Content-Length: " + "9" * 6000], False, True, 10**18),
        (["Content-Length: " + "0" * 6000 + "1"], False, True, 1),
        (["Transfer-Encoding: Chunked"], True, True, 0),
    ],
)
def test_the_framing_of_a_body(
    lines: list[str], chunked: bool, has_body: bool, length: int
) -> None:
    parsed = parse_head(head("Host: a", *lines))
    parsed.check()
    assert (parsed.chunked, parsed.has_body, parsed.length) == (chunked, has_body, length)


@pytest.mark.parametrize(
    ("version", "connection", "expected"),
    [
        ("1.1", None, True),
        ("1.1", "keep-alive", True),
        ("1.1", "close", False),
        ("1.1", "x , Close", False),
        ("1.1", "closed", True),
        ("1.0", None, False),
        ("1.0", "Keep-Alive", True),
        ("1.0", "close", False),
        ("1.0", "keep-alive, close", False),
        ("1.2", "keep-alive", True),
    ],
)
def test_a_connection_that_is_kept(version: str, connection: str | None, expected: bool) -> None:
    lines = ["Host: a"] if connection is None else ["Host: a", f"Connection: {connection}"]
    assert parse_head(head(*lines, version=version, method="GET")).keeps_alive is expected


@pytest.mark.parametrize(
    ("value", "expected"), [("close", True), ("x, Close", True), ("closed", False), ("", False)]
)
def test_an_option_of_a_connection(value: str, expected: bool) -> None:
    assert has_option(value, "close") is expected


def test_a_client_that_waits_for_continue() -> None:
    lines = ["Host: a", "Content-Length: 1", "Expect: 100-Continue"]
    assert parse_head(head(*lines)).expects_continue
    assert not parse_head(head(*lines, version="1.0")).expects_continue
    assert not parse_head(head(*lines[:-1])).expects_continue


@pytest.mark.parametrize(
    "name",
    ["Cookie", "Authorization", "Proxy-Authorization", "Sec-WebSocket-Key", "X-Api-Key", "X-Token"],
)
def test_a_line_that_identifies_a_client_is_not_cached(name: str) -> None:
    line = f"{name}: of one client"
    parse_head(head("Host: a", line))
    assert headlines.cached_line(line) is None


def test_values_of_known_names_are_judged_as_those_of_new_ones() -> None:
    for line in ("X-Known: a", "x-known: a"):
        assert parse_head(head("Host: a", line)).fields["HTTP_X_KNOWN"] == "a"
    assert parse_head(head("Host: a", "X-Known:\t b c \t")).fields["HTTP_X_KNOWN"] == "b c"
    assert parse_head(head("Host: a", "X-Known: \xe9")).fields["HTTP_X_KNOWN"] == "\xe9"
    for line in ("X-Known", "X-Known : a", " X-Known: a", "X-Known: a\0b", "X-Known: \x7f"):
        with pytest.raises(BadRequest):
            parse_head(head("Host: a", line))


def test_the_caches_are_bounded() -> None:
    for number in range(headlines.MAX_CACHED + 10):
        parse_head(f"GET /{number} HTTP/1.1\r\nX-{number}: a".encode())
    assert headlines.cached_line(f"X-{number}: a") is not None
    assert headlines.cached_line("X-1: a") is None
    assert headlines.cached_start_line(f"GET /{number} HTTP/1.1") is not None
    parse_head(b"GET /?token=1 HTTP/1.1\r\nX-Long: " + b"a" * headlines.SHORT)
    assert headlines.cached_start_line("GET /?token=1 HTTP/1.1") is None
    assert headlines.cached_line("X-Long: " + "a" * headlines.SHORT) is None
