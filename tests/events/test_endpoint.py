"""An EventSocket as a view of Django."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.test import Client
from websockets.exceptions import ConnectionClosed as WebSocketClosed
from websockets.exceptions import InvalidStatus

from c10kws.events import EventSocket, Socket
from tests.support.events import Connect, Make


def test_decorators_of_views_can_be_used(make: Make, connect: Connect) -> None:
    make("members/<slug:club>", decorators=[login_required])
    with pytest.raises(WebSocketClosed) as closed, connect("/events/members/chess/"):
        pass
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4401


@pytest.mark.parametrize("decorators", [login_required, "login_required", [None], {login_required}])
def test_decorators_must_be_a_list(make: Make, decorators: Any) -> None:
    with pytest.raises(TypeError, match=r"decorators must be a list .* \[login_required\]"):
        make("/wrong", decorators=decorators)
    make("/wrong")  # the path is still free


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


def test_a_final_slash_is_optional(chat: EventSocket, connect: Connect) -> None:
    for path in ("/events/chat", "/events/chat/"):
        with connect(path) as client:
            assert client.ask("?")["code"] == "unknown_event"
