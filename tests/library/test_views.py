"""``@websocket`` as a view: what Django sees of it, without a server."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import iscoroutinefunction
from django.test import Client
from django.urls import resolve, reverse

from c10kws import WebSocket, websocket

HANDSHAKE = {
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}


def test_a_plain_get_is_told_what_the_url_speaks(client: Client) -> None:
    response = client.get("/ws/echo/")
    assert response.status_code == 426
    assert "WebSocket" in response.content.decode()


def test_a_post_is_answered_405_and_not_403() -> None:
    response = Client(enforce_csrf_checks=True).post("/ws/echo/")
    assert response.status_code == 405
    assert response["Allow"] == "GET"


def test_a_server_without_the_contract_says_what_to_run(client: Client) -> None:
    response = client.get("/ws/echo/", **HANDSHAKE)
    assert response.status_code == 500
    assert "manage.py runserver" in response.content.decode()
    assert "manage.py runtornado" in response.content.decode()


@pytest.mark.parametrize(
    ("path", "origin", "status"),
    [
        ("/ws/echo/", "http://evil.example", 403),
        ("/ws/echo/", "null", 403),
        ("/ws/echo/", "https://testserver", 403),
        ("/ws/echo/", "http://testserver.evil.example", 403),
        ("/ws/echo/", "http://[", 403),
        ("/ws/echo/", "http://testserver", 500),  # passed on to what the test client lacks
        ("/ws/echo/", None, 500),
        ("/ws/partners/", "https://partner.example", 500),
        ("/ws/partners/", "https://deep.wild.example", 500),
        ("/ws/partners/", "http://testserver", 500),
        ("/ws/partners/", "https://wild.example.evil", 403),
        ("/ws/partners/", "http://partner.example", 403),
        ("/ws/partners/", "null", 403),
        ("/ws/everybody/", "null", 500),
        ("/ws/everybody/", "http://evil.example", 500),
    ],
)
def test_origins(client: Client, path: str, origin: str | None, status: int) -> None:
    headers: dict[str, Any] = HANDSHAKE | ({"HTTP_ORIGIN": origin} if origin else {})
    assert client.get(path, **headers).status_code == status


def test_csrf_trusted_origins_are_welcome(client: Client, settings: Any) -> None:
    settings.CSRF_TRUSTED_ORIGINS = ["https://*.friend.example"]
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "https://app.friend.example"}
    assert client.get("/ws/echo/", **headers).status_code == 500


def test_a_refused_origin_is_named_with_the_setting_that_lets_it_in(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "http://evil.example"}
    body = client.get("/ws/echo/", **headers).content.decode()
    for text in (body, caplog.text):
        assert "http://evil.example" in text
        assert "http://testserver" in text
        assert "CSRF_TRUSTED_ORIGINS" in text


def test_a_hostile_origin_cannot_forge_a_line_of_the_log(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    headers: dict[str, Any] = HANDSHAKE | {"HTTP_ORIGIN": "http://x\nERROR forged"}
    client.get("/ws/echo/", **headers)
    assert "\nERROR forged" not in caplog.text


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


@pytest.mark.parametrize("argument", ["subprotocols", "origins"])
def test_a_string_is_no_list(argument: str) -> None:
    options: Any = {argument: "chat"}
    with pytest.raises(TypeError, match=argument):
        websocket(**options)
