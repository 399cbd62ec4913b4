"""Emitted events and their receivers."""

from __future__ import annotations

import datetime
import decimal
import threading
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction

from c10kws.connection.websocket import connection_of
from c10kws.events import EventSocket, InvalidInstanceError, Socket
from tests.support.events import Connect
from tests.support.peers import closed_with
from tests.support.waiting import WAIT, eventually


def test_all_kinds_of_data_are_sent(chat: EventSocket, connect: Connect) -> None:
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


def test_data_that_is_not_serializable_raises_where_it_is_emitted(
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


def test_an_event_reaches_all_clients_except_the_excluded(
    chat: EventSocket, connect: Connect
) -> None:
    with connect() as one, connect(version=0) as two, connect() as three:
        eventually(lambda: len(chat) == 3)
        first, second, _ = chat.sockets
        assert chat[0] is first
        chat.emit("all", {"n": 1})
        chat.emit("others", exclude=first)
        chat.emit("third", exclude=[first, second])
        assert one.receive() == two.receive() == {"event": "all", "data": {"n": 1}}
        assert two.expect("others") == {}
        assert [three.receive()["event"] for _ in range(3)] == ["all", "others", "third"]
        eventually(lambda: chat.delivered == 6)
        assert chat.dropped == 0


def test_events_to_closed_clients_are_counted_as_dropped(
    chat: EventSocket, connect: Connect
) -> None:
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
    chat.emit("news", exclude=socket).result(WAIT)
    left.set()
    assert (chat.delivered, chat.dropped) == (0, 2)
    eventually(lambda: socket not in chat)


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


class Shouting(DjangoJSONEncoder):
    """An encoder of a project, which writes paths in upper case."""

    def default(self, o: Any) -> Any:
        return str(o).upper() if isinstance(o, Path) else super().default(o)


def test_a_project_can_set_its_encoder(chat: EventSocket, connect: Connect, settings: Any) -> None:
    settings.C10KWS = {"JSON_ENCODER": f"{__name__}.Shouting"}
    with connect(version=0) as client:
        eventually(lambda: len(chat) == 1)
        chat.emit("path", {"path": Path("a/b"), "socket": chat[0]})
        assert client.expect("path") == {"path": "A/B", "socket": chat[0].id}


@pytest.mark.parametrize("kind", ["at once", "on commit", "replies"])
def test_emits_of_a_sync_callback_wait_for_its_client(
    chat: EventSocket, connect: Connect, settings: Any, kind: str
) -> None:
    settings.C10KWS = {"MAX_QUEUE_BYTES": 20_000, "SEND_TIMEOUT": WAIT}  # of all emits together

    @chat.on
    def burst(socket: Socket) -> None:
        with transaction.atomic() if kind == "on commit" else nullcontext():
            for number in range(1000):
                socket.emit("part", {"n": number, "text": "x" * 5000})

    @chat.on
    def ask(data: dict[str, Any]) -> str:
        return "x" * 5000

    with connect() as client:
        if kind == "replies":
            for number in range(1000):
                client.send("ask", id=number)
            assert [client.receive()["re"] for _ in range(1000)] == list(range(1000))
        else:
            client.send("burst")
            assert [client.expect("part")["n"] for _ in range(1000)] == list(range(1000))


def test_a_sync_callback_waits_at_most_send_timeout(
    chat: EventSocket, connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"MAX_QUEUE_BYTES": 100_000, "SEND_TIMEOUT": 0.1}
    ended: list[int | None] = []

    @chat.on
    def burst(socket: Socket) -> None:
        try:
            for _ in range(10_000):
                socket.emit("part", "x" * 50_000)
        finally:
            ended.append(socket.connection.close_code)

    with connect(max_queue=1, close_timeout=0.1) as client:
        client.send("burst")
        eventually(lambda: ended)
    assert ended == [1013]
    assert "/chat: closing slow client: a callback has waited 0.1 s for it" in caplog.text


def test_a_client_is_given_up_once(
    chat: EventSocket, connect: Connect, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"MAX_QUEUE_BYTES": 400_000, "SEND_TIMEOUT": 0.05}
    may_close = threading.Event()

    @chat.on
    def burst(socket: Socket) -> None:
        loop = connection_of(socket.connection).loop_state.loop
        loop.call_soon_threadsafe(may_close.wait, WAIT)
        for _ in range(3):
            socket.emit("part", "x" * 100_000)
        may_close.set()

    with connect() as client:
        client.send("burst")
        assert closed_with(client.connection)[0] == 1013
    assert caplog.text.count("closing slow client") == 1


def test_emits_of_a_thread_that_runs_a_loop_do_not_wait(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    """They would block the loop that serves the client, a deadlock."""
    settings.C10KWS = {"MAX_QUEUE_BYTES": 100_000}

    async def emit(socket: Socket) -> None:
        for number in range(100):
            await socket.emit("part", {"n": number, "text": "x" * 10_000})

    @chat.on
    def burst(socket: Socket) -> None:
        async_to_sync(emit)(socket)

    with connect() as client:
        client.send("burst")
        assert [client.expect("part")["n"] for _ in range(100)] == list(range(100))
