"""The order of callbacks and their replies."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest

from c10kws.connection.websocket import connection_of
from c10kws.events import (
    EventError,
    EventSocket,
    Socket,
)
from tests.project.views import ERRORS, raise_error
from tests.support.events import Connect
from tests.support.peers import closed_with
from tests.support.waiting import WAIT, eventually


def test_callbacks_of_one_client_run_one_after_another(chat: EventSocket, connect: Connect) -> None:
    running: list[str] = []
    ended: list[str] = []

    def begin(name: str) -> None:
        assert running == []
        running.append(name)

    def end(name: str) -> None:
        running.remove(name)
        ended.append(name)

    @chat.on("async")
    async def on_loop(data: dict[str, Any]) -> None:
        begin(data["name"])
        await asyncio.sleep(0.001)
        end(data["name"])

    @chat.on("sync")
    def in_thread(data: dict[str, Any]) -> None:
        begin(data["name"])
        threading.Event().wait(0.001)
        end(data["name"])

    @chat.on
    def close() -> None:
        ended.append("close")

    names = [f"{kind} {number}" for number in range(60) for kind in ("sync", "sync", "async")]
    with connect() as client:
        for name in names:
            client.send(name.split()[0], {"name": name})
    eventually(lambda: ended[-1:] == ["close"])
    assert ended == [*names, "close"]


def test_callbacks_of_different_clients_run_side_by_side(
    chat: EventSocket, connect: Connect
) -> None:
    barrier = threading.Barrier(2)

    @chat.on
    def meet() -> None:
        barrier.wait(WAIT)

    with connect() as one, connect() as two:
        one.send("meet", id=1)
        assert two.ask("meet") == {}
        assert one.expect("ws:reply") == {}


def test_a_client_with_many_events_does_not_hold_the_threads(
    chat: EventSocket, connect: Connect, settings: Any, make_live: Any
) -> None:
    """With one thread, the other client's event is handled before the last of a thousand."""
    order: list[str] = []
    go_on = threading.Event()

    @chat.on
    def step(data: dict[str, Any]) -> None:
        order.append(data["who"])
        if len(order) == 50:
            assert go_on.wait(WAIT)
        threading.Event().wait(0.001)

    server = make_live(threads=1)
    with server.connect("/events/chat") as busy, server.connect("/events/chat") as other:
        for _ in range(1000):
            busy.send(json.dumps({"event": "step", "data": {"who": "busy"}}))
        eventually(lambda: len(order) == 50)
        other.send(json.dumps({"event": "step", "data": {"who": "other"}}))
        eventually(lambda: 1 in [connection_of(each.connection).inbox.received for each in chat])
        go_on.set()
        eventually(lambda: "other" in order)
        assert order.index("other") < 900


def test_what_a_sync_callback_emits_is_sent_while_it_runs(
    chat: EventSocket, connect: Connect
) -> None:
    go_on = threading.Event()

    @chat.on
    def work(socket: Socket) -> str:
        socket.emit("began")
        socket.emit("half", {"done": 50})
        assert go_on.wait(WAIT)
        return "done"

    with connect() as client:
        client.send("work", id=1)
        assert client.expect("began") == {}
        assert client.expect("half") == {"done": 50}
        go_on.set()
        assert client.expect("ws:reply") == "done"


def test_answers_carry_the_id_of_their_request(chat: EventSocket, connect: Connect) -> None:
    @chat.on
    def add(data: dict[str, Any]) -> dict[str, Any]:
        return {"sum": data["a"] + data["b"]}

    with connect() as client:
        client.send("add", {"a": 1, "b": 2}, id="x")
        client.send("add", {"a": 1, "b": 2})
        client.send("add", {"a": 3, "b": 4}, id=7)
        assert client.receive() == {"event": "ws:reply", "data": {"sum": 3}, "re": "x"}
        assert client.receive() == {"event": "ws:reply", "data": {"sum": 7}, "re": 7}


def test_exceptions_are_answered_with_errors(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    @chat.on
    def refuse() -> None:
        raise EventError("conflict", "taken", {"by": "b"})

    @chat.on
    async def break_down() -> None:
        raise LookupError("secret")

    @chat.on
    def unspeakable() -> object:
        return object()

    @chat.on
    def whisper() -> None:
        raise EventError("secret", details={"thing": object()})

    with connect() as client:
        assert client.ask("refuse") == {
            "code": "conflict",
            "message": "taken",
            "details": {"by": "b"},
        }
        internal = {"code": "internal", "message": "internal error", "details": {}}
        assert client.ask("break_down") == internal
        for event in ("unspeakable", "whisper"):
            assert client.ask(event) == internal, event
        assert client.ask("nothing")["code"] == "unknown_event"
        client.send("refuse")
        assert client.receive()["event"] == "ws:error"
    assert "the callback of 'break_down' failed" in caplog.text
    with connect(version=0) as client:
        client.send("refuse")
        assert client.receive() == {"event": "warning", "data": {"message": "taken"}}
        client.send("nothing")
        assert client.expect("warning") == {"message": "Event is not binded."}


def test_an_internal_error_has_its_traceback_under_debug(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    settings.DEBUG = True

    @chat.on
    def break_down() -> None:
        raise LookupError("secret")

    with connect() as client:
        assert "secret" in "".join(client.ask("break_down")["details"]["traceback"])


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_that_is_not_an_exception_closes_the_connection(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture, kind: str, name: str
) -> None:
    if kind == "sync":
        chat.on("fall")(lambda: raise_error(name))
    else:

        @chat.on
        async def fall() -> None:
            raise_error(name)

    internal = {"code": "internal", "message": "internal error", "details": {}}
    for _ in range(2):
        with connect() as client:
            assert client.ask("fall") == internal
            assert client.expect("ws:bye")["reconnect"] is True
            assert closed_with(client.connection) == (1011, "internal error")
    eventually(lambda: len(chat) == 0)
    assert "the callback of 'fall' failed" in caplog.text
