"""Clients that send events faster than their rate allows."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from c10kws.events import EventSocket
from c10kws.events.frames.envelope import SUBPROTOCOL
from tests.support.events import Connect, Make
from tests.support.garbage import no_garbage
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

TEXT = "more than 2 messages in 1 h"


def limited(make: Make, **options: Any) -> tuple[EventSocket, list[int]]:
    """Return an EventSocket with two events an hour, and the numbers that it got."""
    chat = make(rate="2/h", **options)
    numbers: list[int] = []

    @chat.on
    async def count(data: dict[str, Any]) -> int:
        numbers.append(data["number"])
        return len(numbers)

    return chat, numbers


def test_events_above_the_rate_are_answered_with_an_error(make: Make, connect: Connect) -> None:
    _, numbers = limited(make)
    with connect() as client:
        for number in range(5):
            client.send("count", {"number": number}, id=number)
        frames = sorted((client.receive() for _ in range(5)), key=lambda frame: frame["re"])
        assert [frame["event"] for frame in frames] == ["ws:reply"] * 2 + ["ws:error"] * 3
        error = {"code": "rate_limited", "message": TEXT, "details": {}}
        assert frames[2] == {"event": "ws:error", "data": error, "re": 2}
    assert numbers == [0, 1]


@pytest.mark.parametrize("text", ["{", "[]", '{"event": "open"}', '{"event": "count", "id": 1.5}'])
def test_a_bad_frame_above_the_rate_gets_the_same_error(
    make: Make, connect: Connect, text: str
) -> None:
    limited(make)
    with connect() as client:
        client.send("ws:ping")
        client.send("ws:ping")
        client.send_raw(text)
        client.send("count", {"number": 1}, id=7)
        errors = [
            frame for frame in (client.receive() for _ in range(4)) if "code" in frame["data"]
        ]
    assert [error["data"]["code"] for error in errors] == ["rate_limited"] * 2
    assert [error.get("re") for error in errors] == [None, 7]


def test_a_client_that_does_not_stop_is_closed(make: Make, connect: Connect) -> None:
    """The client receives the reason before the Close. It may reconnect later."""
    limited(make)
    with connect() as client:
        for number in range(40):
            client.send("count", {"number": number}, id=number)
        frames = [client.receive() for _ in range(35)]
        bye = {"code": 4429, "reason": TEXT, "reconnect": True, "retry_after": None}
        assert [frame["event"] for frame in frames].count("ws:error") == 32
        assert frames[-1] == {"event": "ws:bye", "data": bye}
        assert closed_with(client.connection) == (4429, TEXT)


def test_version_0_is_closed_at_once(make: Make, connect: Connect) -> None:
    _, numbers = limited(make)
    with connect(version=0) as client:
        for number in range(3):
            client.send("count", {"number": number})
        assert closed_with(client.connection) == (4429, TEXT)
    assert numbers == [0, 1]


def test_errors_follow_the_hello(make: Make, live: LiveServer) -> None:
    """Events that are refused while ``open`` runs are answered after it."""
    chat, _ = limited(make)
    may_open = threading.Event()

    @chat.on
    def open() -> None:
        assert may_open.wait(WAIT)

    with live.connect("/events/chat", subprotocols=[SUBPROTOCOL]) as ws:
        for number in range(3):
            ws.send(json.dumps({"event": "count", "data": {"number": number}, "id": number}))
        ws.ping().wait(WAIT)
        may_open.set()
        frames = [json.loads(ws.recv(WAIT)) for _ in range(4)]
    assert frames[0]["event"] == "ws:hello"
    assert {frame["re"] for frame in frames[1:]} == {0, 1, 2}


def test_the_rate_of_the_setting_can_be_overridden(
    make: Make, connect: Connect, settings: Any
) -> None:
    settings.C10KWS = {"MESSAGE_RATE": "1/h", "BYTE_RATE": "1/h", "MAX_MESSAGE_SIZE": 200}
    chat = make(rate=False, byte_rate=False)

    @chat.on
    async def hello() -> None:
        pass

    with connect() as client:
        for _ in range(50):
            assert client.ask("hello") == {}


def test_a_client_that_was_refused_leaves_no_garbage(make: Make, connect: Connect) -> None:
    chat, _ = limited(make)

    def settle() -> None:
        eventually(lambda: not chat.sockets)

    def is_ours(thing: object) -> bool:
        return type(thing).__module__.startswith("c10kws.")

    def talk() -> None:
        with connect() as client:
            for number in range(5):
                client.send("count", {"number": number}, id=number)
                client.receive()

    talk()  # what is imported and cached at the first use
    settle()
    with no_garbage(is_ours, settle):
        talk()
