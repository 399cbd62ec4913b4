"""What functions are called, with what, and what they answer."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from c10kws.events import (
    EventAlreadyBound,
    EventError,
    EventSocket,
    NotCallableError,
    PathAlreadyUsed,
    Socket,
    paths,
)
from tests.project.views import ERRORS, raise_error
from tests.support.events import Connect, Make
from tests.support.peers import closed_with
from tests.support.waiting import WAIT, eventually


def test_a_callback_is_named_by_its_function_or_by_its_argument(
    chat: EventSocket, connect: Connect
) -> None:
    def shout(data: dict[str, Any]) -> str:
        return str(data["word"]).upper()

    assert chat.on(shout) is shout
    assert chat.on("to-shout")(shout) is shout
    with connect() as client:
        assert client.ask("shout", {"word": "a"}) == "A"
        assert client.ask("to-shout", {"word": "b"}) == "B"


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_callback_asks_for_what_it_needs(chat: EventSocket, connect: Connect, kind: str) -> None:
    context = chat.context = object()
    seen: list[Any] = []

    if kind == "sync":

        @chat.on
        def everything(data: Any, socket: Any, self: Any, other: int = 1) -> None:
            seen.append((self, socket, data, threading.current_thread()))

        @chat.on
        def nothing() -> None:
            seen.append(())
    else:

        @chat.on("everything")
        async def everything_async(data: Any, socket: Any, self: Any, other: int = 1) -> None:
            seen.append((self, socket, data, threading.current_thread()))

        @chat.on("nothing")
        async def nothing_async() -> None:
            seen.append(())

    with connect() as client:
        assert client.ask("everything", {"a": 1}) == {}
        assert client.ask("nothing") == {}
        (self, socket, data, thread), nothing_at_all = seen
        assert self is context
        assert (socket, data, nothing_at_all) == (chat[0], {"a": 1}, ())
        assert thread.name.startswith("c10kws-handler") is (kind == "sync")


def test_what_cannot_be_bound_is_refused_where_it_is_bound(make: Make) -> None:
    chat = make("/refusing")
    with pytest.raises(NotCallableError) as not_callable:
        chat.on(3)  # type: ignore[call-overload]
    assert not_callable.value.thing == 3
    with pytest.raises(NotCallableError, match="None"):
        chat.on("name")(None)  # type: ignore[type-var]
    chat.on("name")(lambda: None)
    with pytest.raises(EventAlreadyBound, match="'name' of '/refusing'") as bound:
        chat.on("name")(lambda: None)
    assert (bound.value.event, bound.value.path) == ("name", "/refusing")
    assert isinstance(bound.value, NameError)
    for name in ("ws:mine", "error", "connect"):
        with pytest.raises(ValueError, match=name):
            chat.on(name)(lambda: None)
    for function in (lambda sockt: None, lambda sockt, /: None, lambda data, *, sockt: None):
        with pytest.raises(TypeError, match="unsupported parameter 'sockt'; use any of: self, so"):
            chat.on("typo")(function)
    with pytest.raises(TypeError, match=r"'data' of .* is positional-only"):
        chat.on("typo")(lambda data, /: None)
    with pytest.raises(TypeError, match=r'Write @on or @on\("name"\), not @on\(\)'):
        chat.on()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match=r"Write @may_join, not @may_join\(\)"):
        chat.may_join()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"'f' .* the socket and the name of a room"):

        @chat.may_join
        def f(socket: Socket) -> bool:
            return True

    with pytest.raises(PathAlreadyUsed, match="'/refusing'") as used:
        EventSocket("refusing/")
    assert "conftest.py:" in used.value.first
    assert "test_callbacks.py:" in used.value.second


def test_a_module_that_is_imported_under_two_names_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "twice").mkdir()
    module = tmp_path / "twice" / "twice_sockets.py"
    module.write_text('from c10kws.events import EventSocket\nchat = EventSocket("/twice")\n')
    for folder in (tmp_path, tmp_path / "twice"):
        monkeypatch.syspath_prepend(folder)
    first = importlib.import_module("twice.twice_sockets")
    try:
        with pytest.raises(PathAlreadyUsed) as used:
            importlib.import_module("twice_sockets")
        assert used.value.first == used.value.second == f"{module}:2"
        assert used.value.modules == ("twice.twice_sockets", "twice_sockets")
        assert "under two names, 'twice.twice_sockets' and 'twice_sockets'" in str(used.value)
        with pytest.raises(PathAlreadyUsed, match="executed twice"):
            importlib.reload(first)
    finally:
        paths.remove(first.chat)
        del sys.modules["twice.twice_sockets"], sys.modules["twice"]


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


def test_a_client_of_many_events_leaves_the_threads_to_others(
    chat: EventSocket, connect: Connect, settings: Any, make_live: Any
) -> None:
    """One thread: the other client's event comes long before the last of a thousand."""
    order: list[str] = []

    @chat.on
    def step(data: dict[str, Any]) -> None:
        order.append(data["who"])
        threading.Event().wait(0.001)

    server = make_live(threads=1)
    with server.connect("/events/chat") as busy, server.connect("/events/chat") as other:
        for _ in range(1000):
            busy.send(json.dumps({"event": "step", "data": {"who": "busy"}}))
        eventually(lambda: len(order) > 50)
        other.send(json.dumps({"event": "step", "data": {"who": "other"}}))
        eventually(lambda: "other" in order)
        assert order.index("other") < 900


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


def test_errors_are_answers_too(
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


def test_in_debug_an_internal_error_tells_where(
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
def test_what_is_no_exception_is_answered_and_ends_the_connection(
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
