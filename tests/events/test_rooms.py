"""Who is in which room, and who may ask for it."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws import ConnectionClosed
from c10kws.events import (
    EventError,
    EventSocket,
    Socket,
    sign_room,
)
from tests.library.test_websocket import closed_with, eventually

from .conftest import Connect


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
        rooms: list[Any] = ["", "x" * 257, ["open"], None, {}, 1.5]
        for room in rooms:
            for event in ("ws:join", "ws:leave"):
                assert client.ask(event, {"room": room})["code"] == "invalid"
        positions: list[Any] = [3, "x", [], {"epoch": {}, "seq": "x"}, {"seq": -1}, None]
        for since in positions:
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
