"""A pending response whose client disconnects, or whose server stops."""

from __future__ import annotations

import threading

import pytest
from django.http import (
    HttpRequest,
)

from c10kws.handlers.servers import servers
from c10kws.longpoll import Handler
from tests.project.longpoll_views import parked, stage
from tests.support.polls import PARK, PLAY, answered, connect, send, streamed
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


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
    with streamed(live, "a") as (client, handler):
        stopping = threading.Thread(target=live.stop, kwargs={"timeout": WAIT})
        stopping.start()
        eventually(lambda: all(state.stopping for state in servers.running))
        handler.finish("b")
        assert client.read_chunk() == b"b"
        assert client.read_chunk() == b""
        stopping.join(WAIT)


def test_at_the_deadline_a_stream_is_cut(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The client sees that it is incomplete. The coroutine is cancelled; no error is logged."""
    cancelled = threading.Event()

    @stage
    async def view(request: HttpRequest, handler: Handler) -> None:
        handler.write("a")
        handler.flush()
        try:
            await live.loop.create_future()
        finally:
            cancelled.set()

    with connect(live) as client:
        send(client, PLAY)
        client.read_head()
        assert client.read_chunk() == b"a"
        live.stop(timeout=0)
        with pytest.raises(EOFError):
            client.read_chunk()
    assert cancelled.wait(WAIT)
    # Depending on which ends first, the server may warn that it aborted the request.
    assert all(record.levelname == "WARNING" for record in caplog.records)
