"""Exceptions of views and callbacks."""

from __future__ import annotations

import asyncio
import queue
from typing import Any

import pytest
from django.http import (
    Http404,
    HttpRequest,
)
from django.test import override_settings

from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.support.polls import PARK, Failure, answered, fails, get
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


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
