"""``async def`` views, on the loop."""

from __future__ import annotations

import asyncio
import gc
import queue
import threading
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
)
from django.template import engines
from django.template.response import TemplateResponse
from django.test import override_settings
from django.utils import translation

from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.project.models import Row
from tests.support.database import OpenConnections
from tests.support.polls import PLAY, Failure, connect, get, send
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

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
