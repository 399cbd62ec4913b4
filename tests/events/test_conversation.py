"""``open`` and ``close``, and how a connection ends."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied

from c10kws import ConnectionClosed
from c10kws.connection.websocket import connection_of
from c10kws.events import EventError, EventSocket, Socket
from c10kws.events.frames.envelope import SUBPROTOCOL
from tests.support.events import Connect, Talk
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import eventually


def test_open_and_close(chat: EventSocket, connect: Connect) -> None:
    seen: list[Any] = []

    @chat.on
    def open(socket: Socket) -> None:
        seen.append("open")
        assert chat.sockets == []
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
        (EventError("name", "no \udc80.txt"), "no ?.txt"),
    ],
)
@pytest.mark.parametrize("version", [0, 1])
def test_an_exception_in_open_refuses_the_client(
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
    eventually(lambda: not chat.members.opening())
    assert closed == []  # it is called only after an ``open`` that has returned


def test_a_client_cannot_send_events_of_the_life_cycle(chat: EventSocket, connect: Connect) -> None:
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
def test_a_bye_precedes_the_close(
    chat: EventSocket,
    connect: Connect,
    code: int,
    options: dict[str, Any],
    reconnect: bool,
    retry_after: float | None,
) -> None:
    @chat.on
    def end(socket: Socket) -> None:
        with pytest.raises(ValueError, match="Close code 7 may not"):
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
def test_a_stopping_server_sends_a_bye(
    chat: EventSocket, make_live: Callable[..., LiveServer], code: int
) -> None:
    server = make_live()
    path, offered = "/events/chat", [SUBPROTOCOL]
    with server.connect(path, subprotocols=offered) as new, server.connect(path) as old:
        client = Talk(new)
        eventually(lambda: len(chat) == 2)
        server.stop(code)
        bye = {"code": code, "reason": "", "reconnect": True, "retry_after": 0}
        assert client.expect("ws:bye") == bye
        assert closed_with(new) == closed_with(old) == (code, "")


def test_clients_that_must_leave_quickly_are_told_to_come_back_one_after_another(
    chat: EventSocket, make_live: Callable[..., LiveServer]
) -> None:
    server = make_live(drain_rate=5)  # 1 s for five clients, but half of a second is there
    with ExitStack() as stack:
        talks = [
            Talk(stack.enter_context(server.connect("/events/chat", subprotocols=[SUBPROTOCOL])))
            for _ in range(5)
        ]
        eventually(lambda: len(chat) == 5)
        server.begin_stop(1012, timeout=1)
        delays = [talk.expect("ws:bye")["retry_after"] for talk in talks]
    server.wait_stopped()
    pause = sorted(delays)[1]
    assert 0 < pause <= 0.1
    assert sorted(delays) == pytest.approx([0, pause, 2 * pause, 3 * pause, 4 * pause], abs=0.003)


def test_a_disconnected_client_is_freed(chat: EventSocket, connect: Connect) -> None:
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


def test_events_before_the_end_are_handled_without_a_time_limit_for_all(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    """HANDLER_TIMEOUT is the limit of each turn."""
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
    task = connection_of(socket.websocket).handler.task
    assert task is not None
    eventually(lambda: task.cancelling() > 0)
    threading.Event().wait(0.1)  # time for a ``close`` that would not wait


@pytest.mark.parametrize(("name", "left"), [("dawdle", 2), ("open", 3)])
def test_close_waits_for_a_sync_callback_after_handler_timeout(
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
    assert f"{left} events were not handled" in caplog.text


def test_close_is_not_called_while_a_callback_is_running(
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
        eventually(lambda: "skipping 'close'" in caplog.text)
        stopped.set()

    server = make_live()
    with server.connect("/events/chat") as client:
        client.send('{"event": "hang"}')
        eventually(lambda: len(chat) == 1)
    watcher = threading.Thread(target=let_go)
    watcher.start()
    server.stop(timeout=0.1)  # which waits for the threads
    watcher.join()
    assert closed == []
