"""The head that a view sets before its response is known."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.http import HttpResponse

from c10kws.longpoll.head_builder import HeadBuilder


def test_headers_are_set_added_and_removed() -> None:
    head = HeadBuilder()
    head.set_header("X-Number", 5)
    head.add_header("Vary", "Cookie")
    head.add_header("Vary", b"Origin")
    head.set_header("Last-Modified", datetime(2026, 11, 21, tzinfo=UTC))
    head.set_header("X-Removed", "x")
    head.clear_header("x-removed")
    head.clear_header("X-Never-Set")
    assert dict(head.response().items()) == {
        "X-Number": "5",
        "Vary": "Cookie, Origin",
        "Last-Modified": "Sat, 21 Nov 2026 00:00:00 GMT",
        "Content-Type": "text/html; charset=utf-8",
    }
    with pytest.raises(ValueError, match="set_cookie"):
        head.set_header("Set-Cookie", "a=1")


def test_the_reason_is_djangos_unless_it_is_set() -> None:
    head = HeadBuilder()
    assert (head.status, head.response().reason_phrase) == (200, "OK")
    head.set_status(404, None)
    assert head.response().reason_phrase == "Not Found"
    head.set_status(404, "Nothing")
    assert head.response().reason_phrase == "Nothing"


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_a_body(status: int) -> None:
    head = HeadBuilder()
    head.set_status(status, None)
    assert "Content-Type" not in head.response()
    with pytest.raises(ValueError, match=f"status {status} has no body"):
        head.response(b"x")


def test_cookies_expire_in_days_or_at_a_time() -> None:
    head = HeadBuilder()
    head.set_cookie("a", b"1", None, None, path="/")
    head.set_cookie("b", "2", 0, None, path="/")
    head.set_cookie("c", "3", None, 1, path="/")
    cookies = head.response().cookies
    assert (cookies["a"].value, cookies["a"]["expires"]) == ("1", "")
    assert cookies["b"]["max-age"] == 0
    assert 86_390 < cookies["c"]["max-age"] <= 86_400


def test_a_response_keeps_its_own_head_and_gets_the_rest() -> None:
    head, response = HeadBuilder(), HttpResponse(headers={"X-One": "own"})
    response.set_cookie("one", "own")
    for name in ("one", "two"):
        head.set_header(f"X-{name}", "added")
        head.set_cookie(name, "added", None, None)
    head.add_to(response)
    assert (response["X-One"], response["X-Two"]) == ("own", "added")
    assert [cookie.value for cookie in response.cookies.values()] == ["own", "added"]
    assert response["Content-Type"] == "text/html; charset=utf-8"
