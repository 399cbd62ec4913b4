"""Rooms: members, authorised joins and signed names."""

from __future__ import annotations

import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import Client

from c10kws.events import EventError, EventSocket, InvalidInstanceError, Socket
from c10kws.events.rooms import signed_names
from c10kws.events.rooms.signed_names import MAX_ROOM_LENGTH
from tests.support.events import Connect, Make
from tests.support.peers import closed_with
from tests.support.waiting import eventually


def test_an_event_to_a_room_reaches_its_members(chat: EventSocket, connect: Connect) -> None:
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
def test_a_client_joins_rooms_that_may_join_allows(
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
        signed = chat.sign_room("shut")
        assert client.ask("ws:join", {"room": signed}) == {"room": "shut", **joined}
        assert client.ask("ws:join", {"room": signed[:-1]})["code"] == "forbidden"
        assert client.ask("ws:join", {"room": 3})["code"] == "invalid"
        assert client.ask("ws:leave", {"room": signed}) == {"room": "shut"}
        assert chat[0].rooms == {"open"}
        client.send("ws:ping")
        assert client.receive() == {"event": "ws:pong", "data": {}}
        client.send("ws:unheard-of")
        assert client.ask("ws:leave", {"room": "open"}) == {"room": "open"}


def test_without_may_join_a_client_joins_only_signed_rooms(
    chat: EventSocket, connect: Connect
) -> None:
    with connect() as client:
        assert client.ask("ws:join", {"room": "any"})["code"] == "forbidden"
        assert client.ask("ws:join", {"room": chat.sign_room("any")})["room"] == "any"


def test_a_client_may_join_a_limited_number_of_rooms(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    settings.C10KWS = {"MAX_ROOMS": 3}
    chat.may_join(lambda socket, room: True)
    with connect() as client:
        for room in ("a", "b", "c", "c"):
            assert client.ask("ws:join", {"room": room})["room"] == room
        assert client.ask("ws:join", {"room": "d"})["code"] == "forbidden"
        chat[0].join("d")  # the limit is for joins of the client
        assert client.ask("ws:leave", {"room": "a"}) == {"room": "a"}
        assert client.ask("ws:join", {"room": "e"})["code"] == "forbidden"
        assert chat[0].rooms == {"b", "c", "d"}


def test_a_signed_name_fits_into_a_frame(chat: EventSocket, connect: Connect) -> None:
    user = User.objects.create_user("ann")
    for options in ({}, {"user": user, "max_age": 60}):
        with pytest.raises(ValueError, match=r"1 to \d+ characters") as error:
            chat.sign_room("x" * 256, **options)
        longest = "x" * int(str(error.value).split("1 to ")[1].split()[0])
        assert len(chat.sign_room(longest, **options)) == MAX_ROOM_LENGTH
    with connect() as client:
        assert client.ask("ws:join", {"room": chat.sign_room("é:" * 90)})["room"] == "é:" * 90


def test_a_signed_name_is_valid_for_its_endpoint_only(
    chat: EventSocket, make: Make, connect: Connect
) -> None:
    asked: list[str] = []
    other = make("/other")
    for endpoint in (chat, other):
        endpoint.may_join(lambda socket, room: not asked.append(room))
    signed = chat.sign_room("room")
    with connect("/events/other") as client:
        assert client.ask("ws:join", {"room": signed})["code"] == "forbidden"
        assert client.ask("ws:leave", {"room": signed}) == {"room": signed}
        assert other[0].rooms == set()
    with connect() as client:
        for bad in (signed[:-1], signed.replace("room", "r00m"), "ws:room", "ws:", "ws:a:b:c"):
            assert client.ask("ws:join", {"room": bad})["code"] == "forbidden"
        assert chat[0].rooms == set()
        assert client.ask("ws:join", {"room": signed})["room"] == "room"
        assert asked == []
        assert client.ask("ws:join", {"room": "room"})["room"] == "room"
        assert asked == ["room"]


def test_a_name_signed_for_a_user_is_valid_for_this_user_only(
    chat: EventSocket, connect: Connect
) -> None:
    ann, bob = User.objects.create_user("ann"), User.objects.create_user("bob")
    signed = chat.sign_room("ann's", user=ann)
    for user, may in ((ann, True), (bob, False), (None, False)):
        browser = Client()
        if user is not None:
            browser.force_login(user)
        cookies = "; ".join(f"{name}={each.value}" for name, each in browser.cookies.items())
        with connect(additional_headers={"Cookie": cookies} if cookies else {}) as client:
            answer = client.ask("ws:join", {"room": signed})
            assert answer.get("room", answer.get("code")) == ("ann's" if may else "forbidden")
            assert client.ask("ws:join", {"room": chat.sign_room("all")})["room"] == "all"
    for nobody in (AnonymousUser(), User(username="unsaved"), 3):
        with pytest.raises(ValueError, match="no primary key"):
            chat.sign_room("room", user=nobody)


def test_a_signed_name_expires_but_can_still_be_used_to_leave(
    chat: EventSocket, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = time.time()
    monkeypatch.setattr(signed_names, "time", SimpleNamespace(time=lambda: seconds))
    signed = chat.sign_room("short", max_age=timedelta(milliseconds=200))
    with connect() as early, connect() as late:
        seconds += 0.199
        assert early.ask("ws:join", {"room": signed})["room"] == "short"
        seconds += 0.002
        assert late.ask("ws:join", {"room": signed})["code"] == "forbidden"
        assert "expired" in late.ask("ws:join", {"room": signed})["message"]
        assert chat[0].rooms == {"short"}
        assert early.ask("ws:leave", {"room": signed}) == {"room": "short"}
        assert chat[0].rooms == set()
        assert late.ask("ws:join", {"room": chat.sign_room("long", max_age=60)})["room"] == "long"
    for max_age in (0, -1, timedelta(0), float("inf"), float("nan"), "1"):
        with pytest.raises(ValueError, match="max_age"):
            chat.sign_room("room", max_age=max_age)  # type: ignore[arg-type]


def test_the_name_to_sign_is_a_str_of_at_least_one_character(chat: EventSocket) -> None:
    with pytest.raises(ValueError, match="1 to"):
        chat.sign_room("")
    with pytest.raises(InvalidInstanceError, match="not 7"):
        chat.sign_room(7)  # type: ignore[arg-type]


def test_names_signed_with_a_fallback_key_are_valid(
    chat: EventSocket, connect: Connect, settings: Any
) -> None:
    signed = chat.sign_room("room")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "a new one"
    with connect() as client:
        assert client.ask("ws:join", {"room": signed})["room"] == "room"


def test_errors_of_may_join_and_invalid_names_are_answered(
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


def test_a_client_cannot_join_a_room_after_the_end(chat: EventSocket, connect: Connect) -> None:
    with connect() as client:
        socket = chat[0]
        chat.leave(socket)
        socket.join("room")
        assert chat.rooms.members("room") == []
        assert client.ask("?")["code"] == "unknown_event"  # the connection is still open


def test_a_room_joined_in_open_is_entered_when_open_returns(
    chat: EventSocket, connect: Connect
) -> None:
    refused = False

    @chat.on
    def open(socket: Socket) -> None:
        socket.join("room")
        assert socket.rooms == {"room"}
        assert socket not in chat.rooms.members("room")
        chat.to("room").emit("news", {"n": len(chat.rooms.members("room"))})
        if refused:
            raise EventError("full", "no seat left")

    with connect() as first:
        assert first.receive() == {"event": "news", "data": {"n": 0}, "room": "room"}
        assert chat.rooms.members("room") == [chat[0]]
        refused = True
        with connect() as second:
            assert second.hello is not None
            assert second.hello["event"] == "ws:bye"
            assert closed_with(second.connection) == (4403, "no seat left")
        assert first.expect("news") == {"n": 1}
        eventually(lambda: len(chat.rooms.listeners("room")) == 1)
