"""``@websocket`` views on a live server, against the ``websockets`` client."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User

from tests.support.accounts import cookies, logged_in
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT


@pytest.mark.parametrize("path", ["/ws/echo/", "/ws/iterate/"])
def test_echo(live: LiveServer, path: str) -> None:
    with live.connect(path) as ws:
        for message in ("Hello!", "", "é" * 100_000, b"", b"\x00\xff", b"x" * 1_000_000):
            ws.send(message)
            assert ws.recv(WAIT) == message


def test_messages_that_came_with_the_handshake_are_not_lost(live: LiveServer) -> None:
    with live.connect("/ws/echo/") as ws:
        for number in range(1000):
            ws.send(str(number))
        assert [ws.recv(WAIT) for _ in range(1000)] == [str(number) for number in range(1000)]


@pytest.mark.parametrize(
    ("path", "greeting"),
    [
        ("/ws/method/ann/", "method ann /ws/method/ann/"),
        ("/ws/decorated-method/ann/", "decorated method ann ''"),
        ("/ws/decorated-class/ann/", "decorated class ann"),
    ],
)
def test_methods(live: LiveServer, path: str, greeting: str) -> None:
    with live.connect(path) as ws:
        assert ws.recv(WAIT) == greeting


def test_subprotocol(live: LiveServer) -> None:
    with live.connect("/ws/subprotocol/", subprotocols=["v1.example", "v2.example"]) as ws:
        assert ws.subprotocol == "v2.example"
        assert ws.recv(WAIT) == "v2.example"
    with live.connect("/ws/subprotocol/") as ws:
        assert ws.recv(WAIT) == "None"


def test_opcodes(live: LiveServer) -> None:
    with live.connect("/ws/opcodes/") as ws:
        assert list(ws) == [b"text", "bytes", b"array", "", b""]


def test_a_thread_writes_in_order_and_closes(live: LiveServer) -> None:
    with live.connect("/ws/from-a-thread/") as ws:
        ws.send("5000")
        assert [ws.recv(WAIT) for _ in range(5000)] == [str(number) for number in range(5000)]
        assert closed_with(ws) == (4000, "done")


def test_user_without_await(live: LiveServer) -> None:
    client = logged_in("ann")
    with live.connect("/ws/whoami/", additional_headers=cookies(client)) as ws:
        assert ws.recv(WAIT) == "ann"
    with live.connect("/ws/whoami/") as ws:
        assert ws.recv(WAIT) == "anonymous"
    with live.connect("/ws/anonymous/", additional_headers=cookies(client)) as ws:
        assert ws.recv(WAIT) == "False"


def test_login_required(live: LiveServer) -> None:
    with live.connect("/ws/members/", additional_headers=cookies(logged_in("ann"))) as ws:
        assert ws.recv(WAIT) == "ann"
    with live.connect("/ws/members/") as ws:
        assert closed_with(ws) == (4401, "authentication required")


def test_permission_required(live: LiveServer) -> None:
    client = logged_in("ann")
    with live.connect("/ws/permitted/", additional_headers=cookies(client)) as ws:
        assert closed_with(ws) == (4403, "forbidden")
    User.objects.get(username="ann").user_permissions.add(
        Permission.objects.get(codename="view_row")
    )
    with live.connect("/ws/permitted/", additional_headers=cookies(client)) as ws:
        assert ws.recv(WAIT) == "permitted"


def test_a_message_over_a_mebibyte_is_refused(live: LiveServer) -> None:
    with live.connect("/ws/echo/", max_size=None) as ws:
        ws.send(b"x" * 1024 * 1024)
        assert len(ws.recv(WAIT)) == 1024 * 1024
        ws.send(b"x" * (1024 * 1024 + 1))
        assert closed_with(ws)[0] == 1009


def test_cookies_set_in_the_handshake_arrive(live: LiveServer) -> None:
    with live.connect("/ws/session-cookie/") as ws:
        assert ws.response is not None
        values = ws.response.headers.get_all("Set-Cookie")
        assert any(value.startswith("sessionid=") for value in values)
        assert any(value.startswith("flavour=oatmeal") for value in values)
        ws.send("x")
        assert ws.recv(WAIT) == "x"
