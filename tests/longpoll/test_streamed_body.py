"""Responses that are written and flushed in parts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.http import (
    HttpRequest,
    HttpResponse,
    StreamingHttpResponse,
)
from django.test import override_settings

from c10kws import ClientDisconnected
from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.support.polls import PARK, PLAY, answered, connect, fails, get, send, streamed
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT


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
    with streamed(live, "half") as (client, handler):
        end(handler)
        assert client.read_to_end() == b""


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
