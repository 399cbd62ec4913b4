"""``@websocket`` as a view, as Django sees it, without a server."""

from __future__ import annotations

import pytest
from asgiref.sync import iscoroutinefunction
from django.test import Client
from django.urls import resolve, reverse

from c10kws import WebSocket, websocket
from tests.support.peers import HANDSHAKE


def test_a_plain_get_is_told_what_the_url_speaks(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    response = client.get("/ws/echo/")
    assert response.status_code == 426
    assert "This is a WebSocket endpoint" in response.content.decode()
    # Django's log_response() writes all but ASCII as escapes.
    assert [line for line in caplog.messages if "\\" in line] == []


def test_a_plain_get_is_told_when_the_server_cannot_carry_it(client: Client) -> None:
    for headers in ({}, {**HANDSHAKE, "SERVER_PROTOCOL": "HTTP/1.0"}):
        body = client.get("/ws/echo/", **headers).content.decode()
        assert "This server cannot carry WebSockets" in body
        assert "manage.py runtornado" in body


def test_a_post_is_answered_405_and_not_403() -> None:
    response = Client(enforce_csrf_checks=True).post("/ws/echo/")
    assert response.status_code == 405
    assert response["Allow"] == "GET"


def test_a_server_without_the_contract_says_what_to_run(client: Client) -> None:
    response = client.get("/ws/echo/", **HANDSHAKE)
    assert response.status_code == 500
    assert "manage.py runserver" in response.content.decode()
    assert "manage.py runtornado" in response.content.decode()


def test_reverse_finds_the_view() -> None:
    assert reverse("sockets:greet", args=["ann", 3]) == "/ws/greet/ann/3/"


def test_the_view_is_sync_and_keeps_the_handlers_name() -> None:
    view = resolve("/ws/echo/").func
    assert view.__name__ == "echo"
    assert not iscoroutinefunction(view)


def test_a_sync_handler_is_refused_where_it_is_decorated() -> None:
    with pytest.raises(TypeError, match="async def handler"):

        @websocket
        def handler(ws: WebSocket) -> None: ...  # type: ignore[arg-type]
