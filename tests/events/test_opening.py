"""Events for a client while its ``open`` runs, and clients that disconnect meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from c10kws.events import EventSocket, Socket
from c10kws.events.brokers.emission import Emission
from c10kws.events.dispatch.callback import Callback
from tests.support.events import Connect
from tests.support.peers import closed_with
from tests.support.waiting import WAIT, eventually


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("version", [0, 1])
def test_events_emitted_while_open_runs_follow_the_hello(
    chat: EventSocket, connect: Connect, version: int, kind: str
) -> None:
    """The order: the hello, held events, replies to frames that came meanwhile."""

    def greet(socket: Socket) -> Emission:
        socket.emit("first")
        chat.emit("second", {"clients": len(chat)})
        thread = threading.Thread(target=chat.emit, args=["third"])
        thread.start()
        thread.join()
        return chat.emit("not to it", exclude=socket)

    @chat.on("open")
    def in_thread(socket: Socket) -> None:
        greet(socket).result(WAIT)
        socket.emit("fourth")

    @chat.on
    async def on_loop(socket: Socket) -> None:
        await socket.emit("answer", {"clients": len(chat)})

    if kind == "async":

        async def open_on_loop(socket: Socket) -> None:
            await greet(socket)
            await socket.emit("fourth")

        chat.bindings._callbacks["open"] = Callback(open_on_loop)

    with connect(version=version) as client:
        client.send("on_loop")
        assert client.expect("first") == {}
        assert client.expect("second") == {"clients": 0}
        assert client.expect("third") == client.expect("fourth") == {}
        assert client.expect("answer") == {"clients": 1}
    assert (chat.delivered, chat.dropped) == (2, 0)


def test_no_broadcast_is_lost_or_early_while_clients_open(
    chat: EventSocket, connect: Connect
) -> None:
    """Each client gets the hello, then every broadcast since its ``open`` began."""
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
                frames: list[Any] = []
                while len(frames) < 60 or all(f["event"] != "begin" for f in frames):
                    frames.append(client.receive())
                for event in ("tick", "tock"):
                    numbers = [f["data"]["n"] for f in frames if f["event"] == event]
                    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
                    begin = next(f["data"]["n"] for f in frames if f["event"] == "begin")
                    assert numbers[0] <= begin + 1
    finally:
        enough.set()
        teller.join()


def test_a_client_that_open_closes_gets_only_its_own_events(
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


def test_events_emitted_while_open_runs_are_bounded(
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


def test_a_client_that_disconnects_while_open_runs(chat: EventSocket, connect: Connect) -> None:
    """Its frames are handled, and ``close`` is called, since ``open`` returns."""
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


def test_close_is_not_called_after_an_open_that_was_cancelled(
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
    eventually(lambda: "events were not handled" in caplog.text and not chat.members.opening())
    assert order == ["open"]
