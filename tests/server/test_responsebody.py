"""The length of a body: truncated, too short, or not permitted."""

from __future__ import annotations

import pytest

from c10kws_tornado.http.responsebody import ResponseBody, ShortBody
from c10kws_tornado.http.responsehead import make_head


def body(length: int | None, status: str = "200 OK", method: str = "GET") -> ResponseBody:
    headers = [] if length is None else [("Content-Length", str(length))]
    return ResponseBody(make_head(status, headers), method)


def test_a_body_of_its_length() -> None:
    made = body(5)
    assert (made.fit(b"abc"), made.complete) == (b"abc", False)
    assert (made.fit(b"de"), made.complete, made.overrun) == (b"de", True, False)
    made.check_end()


def test_a_body_that_is_too_long_is_truncated() -> None:
    made = body(3)
    assert made.fit(b"abcde") == b"abc"
    assert made.overrun and made.closed
    assert made.fit(b"f") == b""


def test_a_body_that_is_too_short() -> None:
    made = body(3)
    made.fit(b"ab")
    with pytest.raises(ShortBody, match=r"ended after 2 bytes; its Content-Length is 3\."):
        made.check_end()


def test_a_body_of_unknown_length() -> None:
    made = body(None)
    assert made.fit_all([b"abc", b"", b"de"]) == [b"abc", b"", b"de"]
    assert not made.complete and not made.closed


@pytest.mark.parametrize(("status", "method"), [("304 Not Modified", "GET"), ("200 OK", "HEAD")])
def test_no_body_where_none_may_follow(status: str, method: str) -> None:
    made = body(3, status, method)
    assert made.closed
    assert made.fit(b"abc") == b""
    made.check_end()
    assert not made.complete


def test_a_whole_body_ends_at_its_length() -> None:
    parts = iter([b"ab", b"cd", b"never asked for"])
    assert body(3).fit_all(parts) == [b"ab", b"c"]
    assert next(parts) == b"never asked for"


def test_a_whole_body_that_is_too_short() -> None:
    with pytest.raises(ShortBody):
        body(3).fit_all([b"ab"])


def test_a_body_is_bytes() -> None:
    with pytest.raises(TypeError, match="expected a body of bytes, not of str"):
        body(None).fit("text")  # type: ignore[arg-type]
