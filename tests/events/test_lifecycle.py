"""``open`` and ``close``, and how a connection ends."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from c10kws import ConnectionClosed
from c10kws.events import (
    EventError,
    EventSocket,
    Socket,
)
from c10kws.events.callbacks import Callback
from c10kws.events.envelope import SUBPROTOCOL
from tests.library.conftest import LiveServer
from tests.library.test_websocket import closed_with, eventually

from .conftest import Connect, Talk


def test_open_and_close(chat: EventSocket, connect: Connect) -> None:
    seen: list[Any] = []

    @chat.on
    def open(socket: Socket) -> None:
        seen.append("open")
        assert chat.handlers == []
        assert socket not in chat
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
        (KeyboardInterrupt(), "refused"),
        (GeneratorExit(), "refused"),
        (EventError("long", "é" * 200), "é" * 61),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_what_open_raises_refuses_the_client(
    chat: EventSocket, connect: Connect, error: BaseException, reason: str, version: int
) -> None:
    closed: list[int] = []

    @chat.on
    def open(socket: Socket) -> None:
        socket.emit("never")
        chat.emit("never")
        raise error

    @chat.on
    def close() -> None:
        closed.append(1)

    with connect(version=version) as client:
        if version:
            data = {"code": 4403, "reason": reason, "reconnect": False, "retry_after": None}
            assert client.hello == {"event": "ws:bye", "data": data}
        assert closed_with(client.connection) == (4403, reason)
    eventually(lambda: not chat._opening)
    assert closed == []  # it follows an ``open`` that has returned


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("version", [0, 1])
def test_what_is_emitted_meanwhile_follows_open(
    chat: EventSocket, connect: Connect, version: int, kind: str
) -> None:
    """First hello, then what ``open`` and others have emitted, then answers to what waits."""

    def greet(socket: Socket) -> None:
        socket.emit("first")
        chat.emit("second", {"clients": len(chat)})
        thread = threading.Thread(target=chat.emit, args=["third"])
        thread.start()
        thread.join()
        chat.emit("not to it", exclude=socket)
        socket.emit("fourth")

    @chat.on("open")
    def in_thread(socket: Socket) -> None:
        greet(socket)

    @chat.on
    async def on_loop(socket: Socket) -> None:
        await socket.emit("answer", {"clients": len(chat)})

    if kind == "async":

        async def open_on_loop(socket: Socket) -> None:
            greet(socket)
            await socket.emit("fifth")

        chat._callbacks["open"] = Callback(open_on_loop)

    with connect(version=version) as client:
        client.send("on_loop")
        assert client.expect("first") == {}
        assert client.expect("second") == {"clients": 0}
        assert client.expect("third") == client.expect("fourth") == {}
        if kind == "async":
            assert client.expect("fifth") == {}
        assert client.expect("answer") == {"clients": 1}
    assert (chat.delivered, chat.dropped) == (2, 0)


def test_no_broadcast_is_lost_or_early_while_clients_open(
    chat: EventSocket, connect: Connect
) -> None:
    """Each client hears hello, and then every broadcast since its ``open`` began."""
    last = 0
    enough = threading.Event()

    def tell() -> None:
        nonlocal last
        while not enough.wait(0.0005):
            last += 1
            chat.emit("tick", {"n": last})
            chat.to("room").emit("tock", {"n": last})

    @chat.on
    def open(socket: Socket) -> None:
        socket.join("room")
        socket.emit("begin", {"n": last})
        threading.Event().wait(0.01)

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        for _ in range(20):
            with connect() as client:
                assert client.hello is not None
                assert client.hello["event"] == "ws:hello"
                frames = [client.receive() for _ in range(60)]
                for event in ("tick", "tock"):
                    numbers = [f["data"]["n"] for f in frames if f["event"] == event]
                    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
                    begin = next(f["data"]["n"] for f in frames if f["event"] == "begin")
                    assert numbers[0] <= begin + 1
    finally:
        enough.set()
        teller.join()


def test_a_client_that_open_closes_hears_what_was_emitted_to_it_alone(
    chat: EventSocket, connect: Connect
) -> None:
    @chat.on
    def open(socket: Socket) -> None:
        socket.emit("sorry")
        chat.emit("never")
        socket.close(4429, "full", retry_after=5)

    with connect() as client:
        assert client.hello == {"event": "sorry", "data": {}}
        assert client.expect("ws:bye")["retry_after"] == 5
        assert closed_with(client.connection) == (4429, "full")


def test_open_emits_no_more_than_the_queue_holds(
    chat: EventSocket, connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"MAX_QUEUE_BYTES": 10_000}

    @chat.on
    def open(socket: Socket) -> None:
        emit = socket.emit if "own" in socket.request.GET else chat.emit
        for _ in range(12):
            emit("history", "x" * 1000)

    for query, code in (("own", 4403), ("", 1013)):
        with connect(f"/events/chat?{query}", version=0) as client:
            assert closed_with(client.connection)[0] == code
    assert caplog.text.count("Emit the rest in another callback") == 2
    settings.C10KWS = {"MAX_QUEUE_BYTES": 10_000, "SLOW_CLIENT": "drop"}
    with connect() as client:
        for _ in range(10):
            client.expect("history")
        assert client.ask("?")["code"] == "unknown_event"


def test_a_client_that_leaves_while_open_runs(chat: EventSocket, connect: Connect) -> None:
    """What it sent is handled, and ``close`` is called, since ``open`` returns."""
    order: list[str] = []
    left = threading.Event()

    @chat.on
    def open(socket: Socket) -> None:
        assert left.wait(60)
        eventually(lambda: socket.closed)
        socket.emit("too late")
        socket.join("room")
        order.append("open")

    @chat.on
    def say() -> None:
        order.append("say")

    @chat.on
    def close() -> None:
        order.append("close")

    with connect(version=0) as client:
        client.send("say")
    left.set()
    eventually(lambda: "close" in order)
    assert order == ["open", "say", "close"]
    assert chat.rooms.listeners("room") == []


def test_an_open_that_is_cut_off_has_not_returned(
    chat: EventSocket, connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"HANDLER_TIMEOUT": 0.05}
    order: list[str] = []

    @chat.on
    async def open() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            order.append("open")

    @chat.on
    def close() -> None:
        order.append("close")

    with connect(version=0):
        pass
    eventually(lambda: "cut off" in caplog.text and not chat._opening)
    assert order == ["open"]


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

    with connect(version=0) as client:
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
