"""``Handler``: responses that are finished later, from any thread."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.template import engines
from django.template.response import TemplateResponse
from django.test import RequestFactory, override_settings

from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.support.polls import PARK, answered, connect, get, send
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

DATE = b'{"a": "2010-02-03T00:00:00Z"}'


@pytest.mark.parametrize(
    ("chunk", "content_type", "body"),
    [
        ({"a": datetime(2010, 2, 3, tzinfo=UTC)}, "application/json", DATE),
        ("größer", "text/html; charset=utf-8", "größer".encode()),
        (b"\x00\xff", "text/html; charset=utf-8", b"\x00\xff"),
        (None, "text/html; charset=utf-8", b""),
        (HttpResponse("t", content_type="text/plain"), "text/plain", b"t"),
        (StreamingHttpResponse(iter(["a", "b"]), content_type="text/plain"), "text/plain", b"ab"),
    ],
)
def test_finish_from_another_thread(
    live: LiveServer, chunk: Any, content_type: str, body: bytes
) -> None:
    response = answered(live, lambda handler: handler.finish(chunk))
    assert response.status == 200
    assert response["content-type"] == content_type
    assert response.body == body
    if not isinstance(chunk, StreamingHttpResponse):
        assert response["content-length"] == str(len(body))


def test_a_response_keeps_what_it_says_and_gets_what_the_handler_was_told(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        handler.set_header("X-One", "handler")
        handler.set_header("X-Two", "handler")
        handler.set_cookie("one", "handler")
        handler.set_cookie("two", "handler")
        response = HttpResponse("made", status=418, reason="Tea", headers={"X-One": "response"})
        response.set_cookie("one", "response")
        handler.finish(response)

    response = answered(live, answer)
    assert (response.status, response.reason) == (418, "Tea")
    assert (response["x-one"], response["x-two"]) == ("response", "handler")
    assert response.all("set-cookie") == ["one=response; Path=/", "two=handler; Path=/"]


def test_a_template_response_is_rendered(live: LiveServer) -> None:
    template: Any = engines["django"].from_string("{{ word }}")
    made = TemplateResponse(RequestFactory().get("/"), template, {"word": "hi"})
    assert answered(live, lambda handler: handler.finish(made)).body == b"hi"


def test_the_head(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        assert handler.get_status() == 200
        handler.set_status(201, "Made")
        assert handler.get_status() == 201
        handler.set_header("X-Number", 5)
        handler.set_header("X-Bytes", b"caf\xe9")
        handler.set_header("X-Time", datetime(2010, 2, 3, tzinfo=UTC))
        handler.set_header("X-Gone", "x")
        handler.clear_header("x-gone")
        handler.clear_header("x-never")
        handler.add_header("Link", "</a>")
        handler.add_header("Link", "</b>")
        handler.set_header("Content-Type", "text/plain")
        handler.set_cookie("c", b"v", path="/p", expires=0, httponly=True)
        handler.set_cookie("d", "v", expires_days=1)
        handler.finish("text")
        with pytest.raises(RuntimeError, match="after finish"):
            handler.set_status(200)

    response = answered(live, answer)
    assert (response.status, response.reason) == (201, "Made")
    assert response["x-number"] == "5"
    assert "caf" in str(response["x-bytes"])
    assert response["x-time"] == "Wed, 03 Feb 2010 00:00:00 GMT"
    assert response["x-gone"] is None
    assert response["link"] == "</a>, </b>"
    assert response["content-type"] == "text/plain"
    first, second = response.all("set-cookie")
    assert first.startswith("c=v; expires=") and first.endswith("; HttpOnly; Max-Age=0; Path=/p")
    assert second.startswith("d=v; expires=")


def test_what_cannot_be_said_is_refused(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        for status in (100, 99, 600):
            with pytest.raises(ValueError, match="from 200 to 599"):
                handler.set_status(status)
        with pytest.raises(ValueError, match="set_cookie"):
            handler.add_header("Set-Cookie", "a=b")
        with pytest.raises(ValueError, match="newlines"):
            handler.set_header("X-A", "a\nb")
        with pytest.raises(ValueError, match="300 to 399"):
            handler.redirect("/", status=200)
        for chunk in (["a"], 5, object()):
            with pytest.raises(TypeError, match="expected str, bytes or a dictionary"):
                handler.finish(chunk)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="sync function"):
            handler.on_connection_close(asyncio.sleep)  # type: ignore[arg-type]
        handler.set_status(204)
        with pytest.raises(ValueError, match="no body"):
            handler.finish("text")
        handler.set_status(200)
        handler.finish("still open")

    assert answered(live, answer).body == b"still open"


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_where_none_may_be(live: LiveServer, status: int) -> None:
    def answer(handler: Handler) -> None:
        handler.set_status(status)
        handler.finish()

    response = answered(live, answer)
    assert response.status == status
    assert response["content-length"] is None
    assert response["content-type"] is None


def test_head(live: LiveServer) -> None:
    with connect(live) as client:
        for _ in range(2):
            send(client, PARK, method="HEAD")
            parked.get(timeout=WAIT).finish({"a": 1})
            response = client.read_response("HEAD")
            assert response["content-length"] == "8"


def test_redirect_and_send_error(live: LiveServer) -> None:
    response = answered(live, lambda handler: handler.redirect("/über/"))
    assert (response.status, response["location"]) == (302, "/%C3%BCber/")
    assert answered(live, lambda handler: handler.redirect("/", permanent=True)).status == 301
    assert answered(live, lambda handler: handler.redirect("/", status=303)).status == 303

    def answer(handler: Handler) -> None:
        handler.set_header("X-A", "a")
        handler.write("half")
        handler.send_error(410, reason="<gone>")

    response = answered(live, answer)
    assert (response.status, response["x-a"]) == (410, None)
    assert b"<h1>410: &lt;gone&gt;</h1>" in response.body
    assert answered(live, lambda handler: handler.send_error()).status == 500


def test_finish_inside_of_the_view(live: LiveServer) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        handler.write("a")
        handler.finish("b")

    response = get(live)
    assert response.body == b"ab"
    assert response["content-length"] == "2"  # middleware has seen it whole


def test_what_the_view_returns_is_the_response(live: LiveServer) -> None:
    template: Any = engines["django"].from_string("{{ word }}")

    @stage
    def view(request: HttpRequest, handler: Handler) -> HttpResponseBase:
        handler.set_header("X-A", "a")
        return TemplateResponse(request, template, {"word": "hi"}, status=202)

    response = get(live)
    assert (response.status, response.body, response["x-a"]) == (202, b"hi", "a")


def test_what_a_view_may_not_return(live: LiveServer) -> None:
    @stage
    def text(request: HttpRequest, handler: Handler) -> str:
        return "text"

    with override_settings(DEBUG=True):
        assert (
            b"Return an HttpResponse, or None if handler.finish() is called later" in get(live).body
        )

    @stage
    def twice(request: HttpRequest, handler: Handler) -> HttpResponse:
        handler.finish("a")
        return HttpResponse("b")

    with override_settings(DEBUG=True):
        assert b"after finish()" in get(live).body


def test_finishing_twice_is_an_error(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        handler.finish("once")
        for again in (handler.finish, handler.flush, lambda: handler.write("more")):
            with pytest.raises(RuntimeError, match=r"after finish\(\)"):
                again()

    assert answered(live, answer).body == b"once"


def test_many_threads_finish_once(live: LiveServer) -> None:
    outcomes: list[bool] = []

    def answer(handler: Handler) -> None:
        barrier = threading.Barrier(8)

        def finish() -> None:
            response = HttpResponse("once")
            barrier.wait(WAIT)
            try:
                handler.finish(response)
            except RuntimeError:
                outcomes.append(False)
            else:
                outcomes.append(True)

        threads = [threading.Thread(target=finish) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT)

    assert answered(live, answer).body == b"once"
    assert sorted(outcomes) == [False] * 7 + [True]


class Interleaved(list[bytes]):
    """List of written parts that gives another thread a turn after each part."""

    def __init__(self, other: threading.Thread) -> None:
        super().__init__()
        self._other = other

    def append(self, piece: bytes) -> None:
        super().append(piece)
        if not self._other.is_alive():
            self._other.start()
            self._other.join(0.2)  # it may have to wait for us


def test_who_finishes_first_says_its_own_words(live: LiveServer) -> None:
    refused: list[RuntimeError] = []

    def answer(handler: Handler) -> None:
        def finish() -> None:
            try:
                handler.finish("second")
            except RuntimeError as error:
                refused.append(error)

        other = threading.Thread(target=finish)
        handler._parts = Interleaved(other)
        handler.finish("first")
        other.join(WAIT)

    assert answered(live, answer).body == b"first"
    assert len(refused) == 1


def test_nothing_is_lost_when_another_thread_flushes(live: LiveServer) -> None:
    class Text(str):
        """Another thread flushes in the middle of ``write()``."""

        def encode(self, *args: Any) -> bytes:
            thread = threading.Thread(target=handlers[0].flush)
            thread.start()
            thread.join(WAIT)
            return super().encode(*args)

    handlers: list[Handler] = []

    def answer(handler: Handler) -> None:
        handlers.append(handler)
        handler.write("a")
        handler.write(Text("b"))
        handler.finish("c")

    assert answered(live, answer).body == b"abc"
