"""The timeout of a response."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.http import (
    HttpRequest,
)
from django.test import override_settings

from c10kws.longpoll import Handler
from c10kws.longpoll.timeout import ResponseTimeout
from tests.project.longpoll_views import parked, stage
from tests.support.polls import PARK, PLAY, connect, get, send
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


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


def test_a_path_cannot_forge_lines_of_the_log(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    @stage.timed(0.05)
    def view(request: HttpRequest, handler: Handler, name: str, number: int) -> None:
        parked.put(handler)

    assert get(live, f"{PLAY}%0A/1/").status == 504
    parked.get(timeout=WAIT)
    eventually(lambda: f"{PLAY}%0A/1/: no response after 0.05 s" in caplog.text)


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


def test_a_silent_stream_is_cut_by_the_timeout(live: LiveServer) -> None:
    @stage.timed(0.5)
    def view(request: HttpRequest, handler: Handler) -> None:
        handler.write("half")
        handler.flush()

    with connect(live) as client:
        send(client, PLAY)
        client.read_head()
        assert client.read_to_end() == b"4\r\nhalf\r\n"


def test_the_timer_calls_back_once_and_not_before_its_time() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        begin, expired = time.monotonic(), asyncio.Event()
        ResponseTimeout(loop, 0.02, expired.set)
        await asyncio.wait_for(expired.wait(), WAIT)
        assert time.monotonic() - begin > 0.019

    asyncio.run(scenario())


def test_a_restart_postpones_the_callback() -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        expired = asyncio.Event()
        timeout = ResponseTimeout(loop, 0.05, expired.set)
        await asyncio.sleep(0.03)
        restarted = time.monotonic()
        timeout.restart()
        await asyncio.wait_for(expired.wait(), WAIT)
        assert time.monotonic() - restarted > 0.049

    asyncio.run(scenario())


def test_a_cancelled_timer_does_not_call_back() -> None:
    async def scenario() -> None:
        expired: list[bool] = []
        loop = asyncio.get_running_loop()
        ResponseTimeout(loop, 0.001, lambda: expired.append(True)).cancel()
        await asyncio.sleep(0.01)
        assert expired == []

    asyncio.run(scenario())
