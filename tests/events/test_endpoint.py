"""EventSocket on a live server: callbacks, answers, errors, who gets what."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import gc
import json
import threading
import uuid
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client
from websockets.exceptions import ConnectionClosed as WebSocketClosed
from websockets.exceptions import InvalidStatus

from c10kws import ConnectionClosed
from c10kws.events import (
    EmitHandlerError,
    EventAlreadyBound,
    EventError,
    EventSocket,
    InvalidInstanceError,
    NotCallableError,
    PathAlreadyUsed,
    Socket,
    sign_room,
)
from c10kws.events.envelope import SUBPROTOCOL
from tests.library.conftest import LiveServer
from tests.library.test_websocket import WAIT, closed_with, eventually

from .conftest import Connect, Make, Talk

# Callbacks


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
    with pytest.raises(TypeError, match="nobody can fill 'sockt'"):
        chat.on("typo")(lambda sockt: None)
    with pytest.raises(PathAlreadyUsed, match="'/refusing'") as used:
        EventSocket("refusing/")
    assert "conftest.py:" in used.value.first
    assert "test_endpoint.py:" in used.value.second


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


def test_what_came_before_the_end_is_handled_however_long_it_takes(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    """Each turn has HANDLER_TIMEOUT, not all of them together."""
    settings.C10KWS = {"HANDLER_TIMEOUT": 1}
    handled: list[Any] = []

    @chat.on
    def take_time(data: dict[str, Any]) -> None:
        threading.Event().wait(0.1)
        handled.append(data["n"])

    @chat.on
    def close() -> None:
        handled.append("close")

    with connect() as client:
        for number in range(15):
            client.send("take_time", {"n": number})
    eventually(lambda: "close" in handled)
    assert handled == [*range(15), "close"]


def wait_until_cut_off(socket: Socket) -> None:
    """Wait in a callback until HANDLER_TIMEOUT is over."""
    task = socket.websocket._task
    assert task is not None
    eventually(lambda: task.cancelling() > 0)
    threading.Event().wait(0.1)  # for whoever would not wait for us


@pytest.mark.parametrize(("name", "left"), [("dawdle", 2), ("open", 3)])
def test_close_waits_for_a_sync_callback_that_was_cut_off(
    chat: EventSocket,
    connect: Connect,
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    name: str,
    left: int,
) -> None:
    settings.C10KWS = {"HANDLER_TIMEOUT": 0.05}
    order: list[str] = []

    @chat.on(name)
    def dawdle(socket: Socket) -> None:
        order.append("begin")
        wait_until_cut_off(socket)
        order.append("end")

    @chat.on
    def close() -> None:
        order.append("close")

    with connect() as client:
        for _ in range(3):
            client.send("dawdle")
    eventually(lambda: "close" in order)
    assert order == ["begin", "end", "close"]
    assert f"cut off with {left} events not handled" in caplog.text


def test_close_is_not_called_beside_a_callback_that_never_ends(
    chat: EventSocket,
    settings: Any,
    make_live: Callable[..., LiveServer],
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.C10KWS = {"HANDLER_TIMEOUT": 0.05}
    closed: list[int] = []
    stopped = threading.Event()

    @chat.on
    def hang(socket: Socket) -> None:
        wait_until_cut_off(socket)
        assert stopped.wait(60)

    @chat.on
    def close() -> None:
        closed.append(1)

    def let_go() -> None:
        eventually(lambda: "'close' is not called" in caplog.text)
        stopped.set()

    server = make_live()
    with server.connect("/events/chat") as client:
        client.send('{"event": "hang"}')
        eventually(lambda: len(chat) == 1)
    watcher = threading.Thread(target=let_go)
    watcher.start()
    server.stop(timeout=0.1)  # it waits for the threads
    watcher.join()
    assert closed == []


# The life cycle


def test_open_and_close(chat: EventSocket, connect: Connect) -> None:
    seen: list[Any] = []

    @chat.on
    def open(socket: Socket) -> None:
        seen.append("open")
        assert chat.handlers == [socket]
        socket.emit("welcome", {"id": socket})

    @chat.on
    async def close(socket: Socket) -> None:
        seen.append("close")
        assert socket.closed
        with pytest.raises(ConnectionClosed):
            socket.emit("too late")

    with connect() as client:
        assert client.hello is not None
        assert client.hello["event"] == "ws:hello"
        assert client.expect("welcome") == {"id": client.hello["data"]["sid"]}
    eventually(lambda: seen == ["open", "close"])
    assert (len(chat), list(chat), bool(chat)) == (0, [], True)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (EventError("full", "no seat left"), "no seat left"),
        (PermissionDenied("members only"), "members only"),
        (ValueError("an accident"), "refused"),
        (StopIteration(), "refused"),
        (SystemExit(1), "refused"),
        (EventError("long", "é" * 200), "é" * 61),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_what_open_raises_refuses_the_client(
    chat: EventSocket, connect: Connect, error: Exception, reason: str, version: int
) -> None:
    closed: list[int] = []

    @chat.on
    def open() -> None:
        raise error

    @chat.on
    def close() -> None:
        closed.append(1)

    with connect(version=version) as client:
        if version:
            bye = client.expect("ws:bye")
            assert bye == {"code": 4403, "reason": reason, "reconnect": False, "retry_after": None}
        assert closed_with(client.connection) == (4403, reason)
    eventually(lambda: closed == [1])


def test_a_client_cannot_name_the_life_cycle(chat: EventSocket, connect: Connect) -> None:
    opened: list[int] = []

    @chat.on
    def open() -> None:
        opened.append(1)

    with connect() as client:
        for name in ("open", "close", "error", "connect", "disconnect"):
            assert client.ask(name)["code"] == "forbidden"
        assert opened == [1]


@pytest.mark.parametrize(
    ("code", "options", "reconnect", "retry_after"),
    [
        (1000, {}, False, None),
        (1012, {}, True, None),
        (4401, {}, False, None),
        (4408, {}, True, None),
        (4429, {"retry_after": 7.5}, True, 7.5),
        (4403, {"reconnect": True}, True, None),
        (4500, {"reconnect": False, "retry_after": 0}, False, 0),
    ],
)
def test_the_server_says_goodbye(
    chat: EventSocket,
    connect: Connect,
    code: int,
    options: dict[str, Any],
    reconnect: bool,
    retry_after: float | None,
) -> None:
    @chat.on
    def end(socket: Socket) -> None:
        with pytest.raises(ValueError, match="close code"):
            socket.close(7, **options)
        socket.emit("last")
        socket.close(code, "why", **options)
        socket.close(1000, "too late", reconnect=True)

    bye = {"code": code, "reason": "why", "reconnect": reconnect, "retry_after": retry_after}
    with connect() as client:
        client.send("end")
        assert client.expect("last") == {}
        assert client.expect("ws:bye") == bye
        assert closed_with(client.connection) == (code, "why")
    with connect(version=0) as old:
        old.send("end")
        assert old.expect("last") == {}
        assert closed_with(old.connection) == (code, "why")


@pytest.mark.parametrize("code", [1001, 1012])
def test_a_server_that_stops_says_goodbye(
    chat: EventSocket, make_live: Callable[..., LiveServer], code: int
) -> None:
    server = make_live()
    path, offered = "/events/chat", [SUBPROTOCOL]
    with server.connect(path, subprotocols=offered) as new, server.connect(path) as old:
        client = Talk(new)
        eventually(lambda: len(chat) == 2)
        server.stop(code)
        bye = {"code": code, "reason": "", "reconnect": True, "retry_after": None}
        assert client.expect("ws:bye") == bye
        assert closed_with(new) == closed_with(old) == (code, "")


def test_a_client_that_has_left_is_freed(chat: EventSocket, connect: Connect) -> None:
    kept: list[weakref.ref[Socket]] = []

    @chat.on
    def open(socket: Socket) -> None:
        kept.append(weakref.ref(socket))
        socket.join("room")

    for version in (0, 1):
        with connect(version=version) as client:
            client.send("nothing")
            client.receive()
            assert chat.rooms.members("room")
    eventually(lambda: gc.collect() >= 0 and [each() for each in kept] == [None, None])
    assert chat.rooms.members("room") == []


# Answers


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

    @chat.on
    def leave_the_program() -> None:
        raise SystemExit(1)

    @chat.on
    async def leave_the_loop() -> None:
        raise SystemExit(1)

    with connect() as client:
        assert client.ask("refuse") == {
            "code": "conflict",
            "message": "taken",
            "details": {"by": "b"},
        }
        internal = {"code": "internal", "message": "internal error", "details": {}}
        assert client.ask("break_down") == internal
        for event in ("unspeakable", "whisper", "leave_the_program", "leave_the_loop"):
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


# Sending


def test_data_of_every_kind(chat: EventSocket, connect: Connect) -> None:
    key = uuid.uuid4()

    @chat.on
    def tell(socket: Socket) -> None:
        socket.emit("nothing")
        socket.emit("text", "hi")
        socket.emit(
            "object",
            {
                "date": datetime.date(2026, 11, 21),
                "uuid": key,
                "decimal": decimal.Decimal("1.10"),
                "socket": socket,
                "umlaut": "ü",
            },
        )

    with connect(version=0) as client:
        client.send("tell")
        assert client.receive() == {"event": "nothing", "data": {}}
        assert client.receive() == {"event": "text", "data": {"message": "hi"}}
        assert client.expect("object") == {
            "date": "2026-11-21",
            "uuid": str(key),
            "decimal": "1.10",
            "socket": chat[0].id,
            "umlaut": "ü",
        }


def test_what_cannot_be_said_is_refused_where_it_is_emitted(
    chat: EventSocket, connect: Connect
) -> None:
    with connect():
        for emit in (chat[0].emit, chat.emit, chat.to("room").emit):
            for wrong in (float("nan"), float("inf")):
                with pytest.raises(ValueError, match="JSON"):
                    emit("number", {"n": wrong})
            with pytest.raises(ValueError, match="surrogates"):
                emit("half", {"character": "\ud800"})
            with pytest.raises(TypeError, match="JSON"):
                emit("thing", {"thing": object()})
            with pytest.raises(InvalidInstanceError, match="dict or a str") as wrong_type:
                emit("list", [1])  # type: ignore[arg-type]
            assert isinstance(wrong_type.value, TypeError)
            for name in ("", "ws:mine", "open", "error", "x" * 129):
                with pytest.raises(ValueError, match="name"):
                    emit(name)


def test_everybody_some_and_nobody(chat: EventSocket, connect: Connect) -> None:
    with connect() as one, connect(version=0) as two, connect() as three:
        eventually(lambda: len(chat) == 3)
        first, second, _ = chat.handlers
        assert chat[0] is first
        chat.emit("all", {"n": 1})
        chat.emit("others", exclude=first)
        chat.emit("third", exclude=[first, second])
        assert one.receive() == two.receive() == {"event": "all", "data": {"n": 1}}
        assert two.expect("others") == {}
        assert [three.receive()["event"] for _ in range(3)] == ["all", "others", "third"]
        eventually(lambda: chat.delivered == 6)
        assert chat.dropped == 0


def test_what_reaches_nobody_is_counted(chat: EventSocket, connect: Connect) -> None:
    left = threading.Event()

    @chat.on
    def hold(socket: Socket) -> None:
        socket.join("room")
        assert left.wait(60)

    with connect() as client:
        client.send("hold")
        eventually(lambda: chat.rooms.members("room"))
        (socket,) = chat
    eventually(lambda: socket.closed)
    assert socket in chat
    chat.emit("news")
    chat.to("room").emit("news")
    chat.emit("news", exclude=socket)
    left.set()
    assert (chat.delivered, chat.dropped) == (0, 2)
    eventually(lambda: socket not in chat)


def test_a_room_reaches_its_members(chat: EventSocket, connect: Connect) -> None:
    @chat.on
    def move(socket: Socket, data: dict[str, Any]) -> list[str]:
        for room in data.get("into", ()):
            socket.join(room)
        for room in data.get("out", ()):
            socket.leave(room)
        return sorted(socket.rooms)

    with connect() as one, connect(version=0) as two:
        assert one.ask("move", {"into": ["a", "b", "a"]}) == ["a", "b"]
        two.send("move", {"into": ["a"]})
        eventually(lambda: len(chat.rooms.members("a")) == 2)
        chat.to("a").emit("news", {"n": 1})
        assert one.receive() == {"event": "news", "data": {"n": 1}, "room": "a"}
        assert two.receive() == {"event": "news", "data": {"n": 1}}
        assert one.ask("move", {"out": ["a", "nowhere"]}) == ["b"]
        chat.to("a").emit("news", {"n": 2}, exclude=chat[0])
        assert two.expect("news") == {"n": 2}
        assert one.ask("move") == ["b"]
    eventually(lambda: chat.rooms.members("a") == chat.rooms.members("b") == [])


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_client_joins_what_the_server_opens_to_it(
    chat: EventSocket, connect: Connect, kind: str
) -> None:
    if kind == "sync":

        @chat.may_join
        def may_join(socket: Socket, room: str) -> bool:
            return room == "open"
    else:

        @chat.may_join
        async def may_join_async(socket: Socket, room: str) -> bool:
            return room == "open"

    joined = {"epoch": None, "seq": 0, "recovered": False}
    with connect() as client:
        assert client.ask("ws:join", {"room": "open"}) == {"room": "open", **joined}
        assert client.ask("ws:join", {"room": "shut"})["code"] == "forbidden"
        signed = sign_room("shut")
        assert client.ask("ws:join", {"room": signed}) == {"room": "shut", **joined}
        assert client.ask("ws:join", {"room": signed[:-1]})["code"] == "forbidden"
        assert client.ask("ws:join", {"room": 3})["code"] == "invalid"
        assert client.ask("ws:leave", {"room": signed}) == {"room": "shut"}
        assert chat[0].rooms == {"open"}
        client.send("ws:ping")
        assert client.receive() == {"event": "ws:pong", "data": {}}
        client.send("ws:unheard-of")
        assert client.ask("ws:leave", {"room": "open"}) == {"room": "open"}


def test_without_an_authoriser_only_signed_rooms_are_open(
    chat: EventSocket, connect: Connect
) -> None:
    with connect() as client:
        assert client.ask("ws:join", {"room": "any"})["code"] == "forbidden"
        assert client.ask("ws:join", {"room": sign_room("any")})["room"] == "any"


def test_a_client_asks_itself_into_so_many_rooms(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    settings.C10KWS = {"MAX_ROOMS": 3}
    chat.may_join(lambda socket, room: True)
    with connect() as client:
        for room in ("a", "b", "c", "c"):
            assert client.ask("ws:join", {"room": room})["room"] == room
        assert client.ask("ws:join", {"room": "d"})["code"] == "forbidden"
        chat[0].join("d")  # the server knows what it does
        assert client.ask("ws:leave", {"room": "a"}) == {"room": "a"}
        assert client.ask("ws:join", {"room": "e"})["code"] == "forbidden"
        assert chat[0].rooms == {"b", "c", "d"}


def test_a_signed_room_fits_into_a_frame(chat: EventSocket, connect: Connect) -> None:
    with pytest.raises(ValueError, match=r"at most \d+ characters") as error:
        sign_room("x" * 256)
    limit = int(str(error.value).split("at most ")[1].split()[0])
    longest = "x" * limit
    with connect() as client:
        assert client.ask("ws:join", {"room": sign_room(longest)})["room"] == longest


def test_what_may_join_raises_and_odd_wishes_are_answers(
    chat: EventSocket, connect: Connect
) -> None:
    @chat.may_join
    def may_join(socket: Socket, room: str) -> bool:
        if room == "busy":
            raise EventError("conflict", "not now")
        return bool({"open": 1}[room])

    with connect() as client:
        assert client.ask("ws:join", {"room": "busy"})["code"] == "conflict"
        assert client.ask("ws:join", {"room": "unknown"})["code"] == "internal"
        for room in ("", "x" * 257, ["open"], None, {}, 1.5):
            for event in ("ws:join", "ws:leave"):
                assert client.ask(event, {"room": room})["code"] == "invalid"
        for since in (3, "x", [], {"epoch": {}, "seq": "x"}, {"seq": -1}, None):
            data = {"room": "open", "since": since}
            assert client.ask("ws:join", data)["recovered"] is False
        assert chat[0].rooms == {"open"}


def test_nobody_enters_a_room_after_the_end(
    chat: EventSocket, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback ``close`` whose connection is open still: ``open`` has failed."""
    closed: list[bool] = []

    @chat.on
    def open(socket: Socket) -> None:
        other = chat[0].websocket
        if other is not socket.websocket:
            raise ConnectionClosed(1006, "", other)  # of another connection

    @chat.on
    def close(socket: Socket) -> None:
        closed.append(socket.closed)
        if not socket.closed:
            socket.join("room")

    with connect(), connect() as second:
        assert closed_with(second.connection) == (1011, "internal error")
        assert closed == [False]
        assert chat.rooms.members("room") == []


def test_ten_threads_emit_ten_thousand_events(chat: EventSocket, connect: Connect) -> None:
    def emit(name: int) -> None:
        for number in range(1000):
            chat.emit("step", {"thread": name, "number": number})

    with connect() as client:
        eventually(lambda: len(chat) == 1)
        threads = [threading.Thread(target=emit, args=[name]) for name in range(10)]
        for thread in threads:
            thread.start()
        steps = [client.expect("step") for _ in range(10_000)]
        for thread in threads:
            thread.join()
    for name in range(10):
        assert [step["number"] for step in steps if step["thread"] == name] == list(range(1000))


def test_in_a_process_that_serves_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    chat = make("/alone")
    monkeypatch.setattr("c10kws.registry._announced", False)
    monkeypatch.setattr("c10kws.registry._registries", {})
    for emit in (chat.emit, chat.to("room").emit):
        with pytest.raises(EmitHandlerError, match="'news' of '/alone'") as error:
            emit("news")
        assert (error.value.event, error.value.path) == ("news", "/alone")


# What Django brings


def test_decorators_are_those_of_views(make: Make, connect: Connect) -> None:
    make("members/<slug:club>", decorators=[login_required])
    with pytest.raises(WebSocketClosed) as closed, connect("/events/members/chess/"):
        pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


def test_pages_of_other_sites(make: Make, connect: Connect) -> None:
    make("/ours")
    make("/partners", origins=["https://partner.example"])
    make("/all", origins="*")
    for path, origin, may in (
        ("ours", "https://partner.example", False),
        ("partners", "https://partner.example", True),
        ("partners", "https://evil.example", False),
        ("all", "https://evil.example", True),
    ):
        if may:
            with connect(f"/events/{path}", origin=origin) as client:
                assert client.hello is not None
        else:
            with (
                pytest.raises(InvalidStatus, match="403"),
                connect(f"/events/{path}", origin=origin),
            ):
                pass


def test_a_logged_in_user(make: Make, connect: Connect, live: Any) -> None:
    members = make("members/<slug:club>", decorators=[login_required])

    @members.on
    def who(socket: Socket) -> list[Any]:
        socket.state.asked = True
        return [socket.user.username, socket.session["n"], socket.kwargs, socket.request.path]

    User.objects.create_user("ann", password="x")
    browser = Client()
    browser.login(username="ann", password="x")
    session = browser.session
    session["n"] = 1
    session.save()
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    path = "/events/members/chess/"
    with connect(path, additional_headers=cookie) as client:
        assert client.ask("who") == ["ann", 1, {"club": "chess"}, path]
        assert members[0].state.asked


def test_with_a_final_slash_or_without(chat: EventSocket, connect: Connect) -> None:
    for path in ("/events/chat", "/events/chat/"):
        with connect(path) as client:
            assert client.ask("?")["code"] == "unknown_event"


class Shouting(DjangoJSONEncoder):
    """An encoder of a project: what it does not know is said aloud."""

    def default(self, o: Any) -> Any:
        return str(o).upper() if isinstance(o, Path) else super().default(o)


def test_a_project_may_bring_its_encoder(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    settings.C10KWS = {"JSON_ENCODER": f"{__name__}.Shouting"}
    with connect(version=0) as client:
        eventually(lambda: len(chat) == 1)
        chat.emit("path", {"path": Path("a/b"), "socket": chat[0]})
        assert client.expect("path") == {"path": "A/B", "socket": chat[0].id}
