"""``@asynchronous``: responses that come later, from any thread or from a coroutine."""

from __future__ import annotations

import asyncio
import gc
import logging
import queue
import socket
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception, request_finished
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.template import engines
from django.template.response import TemplateResponse
from django.test import RequestFactory, override_settings
from django.utils import translation
from django.views.decorators.cache import never_cache

from c10kws import ClientDisconnected, asynchronous
from c10kws.handlers.servers import servers
from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.project.models import Row
from tests.support.database import OpenConnections
from tests.support.peers import Client, Response
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

PARK = "/longpoll/park/"
PLAY = "/longpoll/play/"
DATE = b'{"a": "2010-02-03T00:00:00Z"}'
Live = Callable[..., LiveServer]


@pytest.fixture(autouse=True)
def nobody_is_parked() -> Iterator[None]:
    yield
    assert parked.empty()


def connect(live: LiveServer) -> Client:
    return Client(socket.create_connection(("127.0.0.1", live.port)))


def send(client: Client, path: str, *headers: str, method: str = "GET") -> None:
    client.send("\n".join((f"{method} {path} HTTP/1.1", "Host: localhost", *headers, "", "")))


def get(live: LiveServer, path: str = PLAY, *headers: str, method: str = "GET") -> Response:
    with connect(live) as client:
        send(client, path, *headers, method=method)
        return client.read_response(method)


def answered(live: LiveServer, answer: Callable[[Handler], object]) -> Response:
    """Let a client wait, and answer it from this thread."""
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        eventually(lambda: live.server.pool.busy == 0)
        answer(handler)
        return client.read_response()


# finish()


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
    """What was written; right after a piece came, another thread has its chance."""

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


# Middleware


def test_middleware_and_decorators_have_their_say(live: LiveServer) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        request.session["seen"] = True
        parked.put(handler)

    stage.view = never_cache(stage.view)
    with connect(live) as client:
        send(client, PLAY)
        handler = parked.get(timeout=WAIT)
        handler.set_header("X-Frame-Options", "SAMEORIGIN")
        handler.finish("late")
        response = client.read_response()
    (cookie,) = response.all("set-cookie")
    assert cookie.startswith("sessionid=")
    assert "no-store" in str(response["cache-control"])
    assert "Cookie" in str(response["vary"])
    assert response["x-frame-options"] == "SAMEORIGIN"
    assert response["x-content-type-options"] == "nosniff"
    assert response["content-length"] == "4"


class Replaces:
    """A middleware that fails behind the view."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        self.get_response(request)
        raise PermissionDenied


def test_compression_is_for_the_placeholder_alone(make_live: Live) -> None:
    with override_settings(MIDDLEWARE=["django.middleware.gzip.GZipMiddleware"]):
        live = make_live()
    with connect(live) as client:
        send(client, PARK, "Accept-Encoding: gzip")
        parked.get(timeout=WAIT).finish("plain" * 100)
        response = client.read_response()
    assert response["content-encoding"] is None
    assert response.body == b"plain" * 100


def test_a_middleware_that_answers_in_place_of_the_view(make_live: Live) -> None:
    with override_settings(MIDDLEWARE=[f"{__name__}.Replaces"]):
        live = make_live()
        assert get(live, PARK).status == 403
    parked.get(timeout=WAIT).finish("nobody hears it")


def test_csrf_is_djangos(live: LiveServer) -> None:
    assert get(live, PARK, "Content-Length: 0", method="POST").status == 403


def test_request_finished_is_sent_once(live: LiveServer) -> None:
    sent: list[object] = []
    request_finished.connect(receiver := lambda sender, **_: sent.append(sender))
    closed: list[str] = []
    try:
        response = HttpResponse("a")
        response._resource_closers.append(lambda: closed.append("response"))  # type: ignore[attr-defined]
        answered(live, lambda handler: handler.finish(response))
        eventually(lambda: live.server.requests == 0)
    finally:
        request_finished.disconnect(receiver)
    assert len(sent) == 1
    assert closed == ["response"]


# Who is gone


def test_a_client_that_leaves(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "c10kws")
    called: list[str] = []
    last = threading.Event()
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        stream = handler.request.connection.stream
        assert not stream.closed()

        def fail() -> None:
            called.append(threading.current_thread().name)
            raise LookupError

        handler.on_connection_close(fail)
        stream.set_close_callback(last.set)
    assert last.wait(WAIT)
    assert stream.closed()
    handler.write("nobody")
    handler.flush()
    handler.finish({"nobody": "hears"})
    handler.finish()
    late: list[str] = []
    handler.on_connection_close(lambda: late.append("at once"))
    eventually(lambda: late == ["at once"])
    eventually(lambda: "finish() had no effect" in caplog.text)
    assert len(called) == 1 and called[0].startswith("c10kws")
    assert "LookupError" in caplog.text


def test_no_callback_for_who_is_answered(live: LiveServer) -> None:
    called: list[str] = []

    def answer(handler: Handler) -> None:
        handler.on_connection_close(lambda: called.append("closed"))
        handler.finish("answer")

    assert answered(live, answer).body == b"answer"
    eventually(lambda: live.server.requests == 0)
    assert called == []


# The timeout


def test_a_forgotten_response_gets_504(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()

    @stage.timed(0.05)
    def view(request: HttpRequest, handler: Handler) -> None:
        handler.on_connection_close(ended.set)
        parked.put(handler)

    response = get(live)
    assert response.status == 504
    assert ended.wait(WAIT)
    handler = parked.get(timeout=WAIT)
    assert handler.request.connection.stream.closed()
    handler.finish("too late")
    eventually(lambda: "no response after 0.05 s; sent 504" in caplog.text)


def test_the_setting_is_the_timeout_of_other_views(live: LiveServer) -> None:
    with override_settings(C10KWS={"ASYNCHRONOUS_TIMEOUT": 0.05}):
        assert get(live, PARK).status == 504
    parked.get(timeout=WAIT)


def test_no_timeout(live: LiveServer) -> None:
    @stage.timed(None)
    def view(request: HttpRequest, handler: Handler) -> None:
        parked.put(handler)

    with override_settings(C10KWS={"ASYNCHRONOUS_TIMEOUT": 0.01}), connect(live) as client:
        send(client, PLAY)
        handler = parked.get(timeout=WAIT)
        assert get(live, PARK).status == 504  # of another, which is timed
        parked.get(timeout=WAIT)
        handler.finish("in time")
        assert client.read_response().body == b"in time"


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_above_0(timeout: float) -> None:
    with pytest.raises(ValueError, match="must be above 0"):
        asynchronous(timeout=timeout)


def test_what_is_no_view() -> None:
    with pytest.raises(TypeError, match="expected a view"):
        asynchronous("view")  # type: ignore[call-overload]


# Exceptions


@pytest.fixture
def exceptions() -> Iterator[list[Any]]:
    """What Django tells of exceptions."""
    found: list[Any] = []
    got_request_exception.connect(receiver := lambda request, **_: found.append(request.path))
    yield found
    got_request_exception.disconnect(receiver)


class Failure(Exception):
    pass


def fails(*args: Any) -> None:
    raise Failure("as told", *args)


async def fails_later(*args: Any) -> None:
    raise Failure("as told", *args)


def test_an_exception_of_the_view_is_djangos(live: LiveServer) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        parked.put(handler)
        handler.on_connection_close(lambda: over.put(handler))
        raise Http404

    over: queue.SimpleQueue[Handler] = queue.SimpleQueue()
    assert get(live).status == 404
    handler = parked.get(timeout=WAIT)
    assert over.get(timeout=WAIT) is handler
    handler.finish("nobody hears it")


def test_async_callback_ends_the_response_with_500(
    live: LiveServer, exceptions: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    def answer(handler: Handler) -> None:
        callback = handler.async_callback(fails, "bound")
        assert callback("called") is None
        assert handler.async_callback(None) is None

    assert answered(live, answer).status == 500
    assert exceptions == [PARK]
    assert "Internal Server Error" in caplog.text and "'as told', 'bound', 'called'" in caplog.text
    with override_settings(DEBUG=True):
        assert b"as told" in answered(live, answer).body


def test_async_callback_of_a_coroutine_function(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        callback = handler.async_callback(fails_later)
        asyncio.run_coroutine_threadsafe(callback(), live.loop).result(WAIT)

    assert answered(live, answer).status == 500


def test_async_callback_returns_what_the_function_does(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        callback = handler.async_callback(divmod, 17)
        handler.finish({"result": callback(5)})

    assert answered(live, answer).body == b'{"result": [3, 2]}'


def test_an_exception_after_finish_is_logged(live: LiveServer, exceptions: list[Any]) -> None:
    def answer(handler: Handler) -> None:
        handler.finish("done")
        callback = handler.async_callback(handler.finish)
        callback("again")

    assert answered(live, answer).body == b"done"
    eventually(lambda: exceptions == [PARK])


def test_a_callback_that_fails_inside_of_the_view(live: LiveServer) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        callback = handler.async_callback(fails)
        callback()

    assert get(live).status == 500


def test_exceptions_that_propagate(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        callback = handler.async_callback(fails)
        callback()

    with override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True):
        assert answered(live, answer).status == 500


# async def


colour: ContextVar[str] = ContextVar("colour", default="none")


def test_a_coroutine_answers(live: LiveServer) -> None:
    @stage
    async def view(request: HttpRequest, handler: Handler, name: str, number: int) -> HttpResponse:
        assert asyncio.get_running_loop() is live.loop
        await asyncio.sleep(0)
        return JsonResponse({"name": name, "number": number})

    response = get(live, PLAY + "ann/5/")
    assert response.body == b'{"name": "ann", "number": 5}'
    assert response["x-frame-options"] == "DENY"


def test_a_coroutine_that_returns_none_is_finished_later(live: LiveServer) -> None:
    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        parked.put(handler)

    with connect(live) as client:
        send(client, PLAY)
        parked.get(timeout=WAIT).finish("later")
        assert client.read_response().body == b"later"


def test_a_coroutine_goes_on_after_finish(live: LiveServer) -> None:
    release, ended = asyncio.Event(), threading.Event()

    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        await handler.finish("at once")
        await release.wait()
        ended.set()

    assert get(live).body == b"at once"
    eventually(lambda: live.server.requests == 0)
    live.loop.call_soon_threadsafe(release.set)
    assert ended.wait(WAIT)


def test_a_coroutine_is_cancelled_when_the_client_leaves(live: LiveServer) -> None:
    cancelled, waiting = threading.Event(), threading.Event()

    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        try:
            waiting.set()
            await live.loop.create_future()
        finally:
            cancelled.set()

    with connect(live) as client:
        send(client, PLAY)
        assert waiting.wait(WAIT)
    assert cancelled.wait(WAIT)


def test_nothing_keeps_the_request_of_a_cancelled_coroutine(live: LiveServer) -> None:
    requests: queue.SimpleQueue[weakref.ref[HttpRequest]] = queue.SimpleQueue()

    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        requests.put(weakref.ref(request))
        await asyncio.sleep(3600)

    with connect(live) as client:
        send(client, PLAY)
        request = requests.get(timeout=WAIT)
    eventually(lambda: gc.collect() >= 0 and request() is None)


def test_a_coroutine_is_cancelled_by_the_timeout(live: LiveServer) -> None:
    cancelled = threading.Event()

    @stage.timed(0.05)
    async def view(request: HttpRequest, handler: Handler) -> None:
        try:
            await live.loop.create_future()
        finally:
            cancelled.set()

    assert get(live).status == 504
    assert cancelled.wait(WAIT)


async def raises_404() -> HttpResponse:
    raise Http404("nothing here")


async def raises_500() -> HttpResponse:
    raise Failure("as told")


async def cancels_itself() -> HttpResponse:
    raise asyncio.CancelledError


async def exits() -> HttpResponse:
    raise SystemExit


async def interrupts() -> HttpResponse:
    raise KeyboardInterrupt


async def ends_as_a_generator() -> HttpResponse:
    raise GeneratorExit


async def returns_text() -> str:
    return "text"


@pytest.mark.parametrize(
    ("run", "status"),
    [
        (raises_404, 404),
        (raises_500, 500),
        (cancels_itself, 500),
        (interrupts, 500),
        (ends_as_a_generator, 500),
        (exits, 500),
        (returns_text, 500),
    ],
)
def test_an_exception_of_a_coroutine(
    live: LiveServer, run: Callable[[], Any], status: int, exceptions: list[Any]
) -> None:
    @stage
    async def view(request: HttpRequest, handler: Handler) -> Any:
        return await run()

    assert get(live).status == status
    assert exceptions == ([PLAY] if status == 500 else [])
    with override_settings(DEBUG=True):
        assert get(live).status == status


def test_orm_language_and_context_of_a_coroutine(
    live: LiveServer, open_connections: OpenConnections
) -> None:
    @stage
    async def view(request: HttpRequest, handler: Handler) -> HttpResponse:
        await Row.objects.acreate(number=7)
        rows = [row.number async for row in Row.objects.aiterator()]
        thread = await sync_to_async(lambda: threading.current_thread().name)()
        assert thread.startswith("c10kws-handler")
        user = await request.auser()
        words = (translation.get_language(), colour.get(), user.is_anonymous)
        return JsonResponse({"rows": rows, "words": words})

    inner = stage.view

    def coloured(request: HttpRequest) -> Any:
        token = colour.set("blue")
        try:
            return inner(request)
        finally:
            colour.reset(token)

    stage.view = coloured
    response = get(live, PLAY, "Accept-Language: de")
    assert response.body == b'{"rows": [7], "words": ["de", "blue", true]}'
    eventually(lambda: open_connections() == 0)


def test_a_waiting_client_holds_no_database_connection(
    live: LiveServer, open_connections: OpenConnections
) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        handler.set_header("X-Rows", Row.objects.count())
        assert open_connections() == 1
        parked.put(handler)

    with connect(live) as client:
        send(client, PLAY)
        handler = parked.get(timeout=WAIT)
        eventually(lambda: open_connections() == 0)
        handler.finish("late")
        assert client.read_response()["x-rows"] == "0"


def test_a_template_response_of_a_coroutine(live: LiveServer) -> None:
    template: Any = engines["django"].from_string("{{ rows }}")

    @stage
    async def view(request: HttpRequest, handler: Handler) -> HttpResponseBase:
        return TemplateResponse(request, template, {"rows": Row.objects.all()})

    assert get(live).body == b"&lt;QuerySet []&gt;"


def test_methods_of_a_class(make_live: Live) -> None:
    with override_settings(MIDDLEWARE=[]):  # no CSRF check
        live = make_live()
    path = "/longpoll/methods/ann/"
    assert get(live, path).body == b"Hello ann GET"
    assert get(live, path, "Content-Length: 0", method="POST").body == b"Hello ann POST"
    assert get(live, "/longpoll/decorated/ann/").body == b"decorated ann"


# Streaming


def test_write_and_flush(live: LiveServer) -> None:
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        handler.set_status(201)
        handler.set_cookie("a", "b")
        handler.write({"a": 1})
        handler.flush()
        head = client.read_head()
        assert (head.status, head["content-type"]) == (201, "application/json")
        assert head.all("set-cookie") == ["a=b; Path=/"]
        assert client.read_chunk() == b'{"a": 1}'
        with pytest.raises(RuntimeError, match="has sent the head"):
            handler.set_header("X-A", "a")
        with pytest.raises(RuntimeError, match="has sent the head"):
            handler.finish(HttpResponse("b"))
        handler.write("b")
        handler.flush()
        assert client.read_chunk() == b"b"
        handler.finish({"c": 1})
        assert client.read_chunk() == b'{"c": 1}'
        assert client.read_chunk() == b""
        send(client, "/page/")
        assert client.read_response().body == b"page"


def test_flush_inside_of_the_view_and_head(live: LiveServer) -> None:
    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        handler.write("a")
        handler.flush()
        handler.finish("b")

    assert get(live).body == b"ab"
    assert get(live, method="HEAD").status == 200


def test_a_coroutine_streams_as_fast_as_its_client(live: LiveServer) -> None:
    flushed = 0

    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        nonlocal flushed
        for number in range(200):
            handler.write(bytes(100_000))
            await handler.flush()
            flushed = number + 1
        await handler.finish()

    with connect(live) as client:
        send(client, PLAY)
        client.read_head()
        size = len(client.read_chunk())
        assert flushed < 200  # 20 MB do not fit into the buffers in between
        while chunk := client.read_chunk():
            size += len(chunk)
    assert size == 200 * 100_000


def test_a_slow_client_is_cut(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()
    with override_settings(C10KWS={"MAX_QUEUE_BYTES": 10_000}), connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        handler.on_connection_close(ended.set)
        while not handler.request.connection.stream.closed():
            handler.write(bytes(1_000_000))
            sent = handler.flush()
        with pytest.raises(ClientDisconnected, match="too slowly"):
            asyncio.run_coroutine_threadsafe(wait_for(sent), live.loop).result(WAIT)
        client.read_to_end()
    assert ended.wait(WAIT)
    assert "more than MAX_QUEUE_BYTES" in caplog.text


async def wait_for(sent: Any) -> None:
    await sent


def test_a_stream_whose_client_leaves(live: LiveServer) -> None:
    ended = threading.Event()
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        handler.on_connection_close(ended.set)
        handler.flush()
        client.read_head()
    assert ended.wait(WAIT)
    handler.write("nobody")
    handler.finish(HttpResponse("hears it"))
    with pytest.raises(ClientDisconnected):
        asyncio.run_coroutine_threadsafe(wait_for(handler.flush()), live.loop).result(WAIT)


@pytest.mark.parametrize(
    "end",
    [
        lambda handler: handler.send_error(500),
        lambda handler: handler.async_callback(fails)(),
    ],
)
def test_an_error_after_the_head_cuts_the_response(
    live: LiveServer, end: Callable[[Handler], None]
) -> None:
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        handler.write("half")
        handler.flush()
        client.read_head()
        assert client.read_chunk() == b"half"
        end(handler)
        assert client.read_to_end() == b""


def test_a_silent_stream_is_cut_by_the_timeout(live: LiveServer) -> None:
    @stage.timed(0.05)
    def view(request: HttpRequest, handler: Handler) -> None:
        handler.write("half")
        handler.flush()

    with connect(live) as client:
        send(client, PLAY)
        client.read_head()
        assert client.read_to_end() == b"4\r\nhalf\r\n"


def test_awaiting_on_another_loop(live: LiveServer) -> None:
    def answer(handler: Handler) -> None:
        sent = handler.flush()
        with pytest.raises(RuntimeError, match="server's event loop"):
            asyncio.run(wait_for(sent))
        handler.finish("end")

    assert answered(live, answer).body == b"end"


async def events() -> AsyncIterator[str]:
    yield f"data: {threading.current_thread().name}\n\n"


@pytest.mark.parametrize("coroutine", [False, True])
def test_an_async_streaming_response_runs_on_the_loop(live: LiveServer, coroutine: bool) -> None:
    def respond() -> StreamingHttpResponse:
        return StreamingHttpResponse(events(), content_type="text/event-stream")

    if coroutine:

        @stage
        async def later(request: HttpRequest, handler: Handler) -> StreamingHttpResponse:
            return respond()

    else:

        @stage
        def at_once(request: HttpRequest, handler: Handler) -> StreamingHttpResponse:
            return respond()

    response = get(live)
    assert response["content-type"] == "text/event-stream"
    assert response.body == b"data: live-server\n\n"


# The stop of the server


def test_a_stopping_server_answers_who_waits(live: LiveServer) -> None:
    ended, cancelled = threading.Event(), threading.Event()

    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        parked.put(handler)
        try:
            await live.loop.create_future()
        finally:
            cancelled.set()

    with connect(live) as sync_poll, connect(live) as async_poll:
        send(sync_poll, PARK)
        parked.get(timeout=WAIT).on_connection_close(ended.set)
        send(async_poll, PLAY)
        parked.get(timeout=WAIT)
        live.stop(timeout=WAIT)  # which is longer than it may take
        for client in (sync_poll, async_poll):
            response = client.read_response()
            assert (response.status, response["retry-after"]) == (503, "1")
    assert ended.wait(WAIT)
    assert cancelled.wait(WAIT)


def test_a_poll_that_comes_while_the_server_stops(live: LiveServer) -> None:
    entered, release = threading.Event(), threading.Event()

    @stage
    def view(request: HttpRequest, handler: Handler) -> None:
        entered.set()
        assert release.wait(WAIT)

    answered(live, lambda handler: handler.finish())  # the server knows of polls
    with connect(live) as client:
        send(client, PLAY)
        assert entered.wait(WAIT)
        stopping = threading.Thread(target=live.stop, kwargs={"timeout": WAIT})
        stopping.start()
        eventually(lambda: all(state.stopping for state in servers.running))
        release.set()
        assert client.read_response().status == 503
        stopping.join(WAIT)


def test_a_stream_has_until_the_deadline(live: LiveServer) -> None:
    with connect(live) as client:
        send(client, PARK)
        handler = parked.get(timeout=WAIT)
        handler.write("a")
        handler.flush()
        client.read_head()
        assert client.read_chunk() == b"a"
        stopping = threading.Thread(target=live.stop, kwargs={"timeout": WAIT})
        stopping.start()
        eventually(lambda: all(state.stopping for state in servers.running))
        handler.finish("b")
        assert client.read_chunk() == b"b"
        assert client.read_chunk() == b""
        stopping.join(WAIT)


# Without the contract


def test_a_server_without_the_contract(caplog: pytest.LogCaptureFixture) -> None:
    response = asynchronous(fails)(RequestFactory().get("/"))
    assert response.status_code == 500
    assert b"runserver" in response.content
    assert "@asynchronous refused" in caplog.text
    assert caplog.records[0].levelno == logging.ERROR
