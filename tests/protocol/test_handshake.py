"""RFC 6455 §4: the opening handshake, without a socket."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws.exceptions import HandshakeRefused
from c10kws.protocol import handshake


def environ(**changes: Any) -> dict[str, Any]:
    """The handshake of RFC 6455 §1.3, with changes; None takes a key away."""
    base = {
        "REQUEST_METHOD": "GET",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "server.example.com",
        "HTTP_UPGRADE": "websocket",
        "HTTP_CONNECTION": "Upgrade",
        "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
        "HTTP_SEC_WEBSOCKET_VERSION": "13",
    } | changes
    return {key: value for key, value in base.items() if value is not None}


def test_the_example_of_the_rfc() -> None:
    accepted = handshake.accept(environ())
    assert accepted.headers == {"Sec-WebSocket-Accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}
    assert accepted.subprotocol is None


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"REQUEST_METHOD": "POST"}, 405, "GET"),
        ({"REQUEST_METHOD": "HEAD"}, 405, "GET"),
        ({"HTTP_UPGRADE": None}, 426, "WebSocket"),
        ({"HTTP_UPGRADE": "h2c"}, 426, "WebSocket"),
        ({"SERVER_PROTOCOL": "HTTP/1.0"}, 400, "HTTP/1.0"),
        ({"HTTP_CONNECTION": "keep-alive"}, 400, "Connection"),
        ({"HTTP_CONNECTION": None}, 400, "Connection"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "8"}, 426, "'8'"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": None}, 426, "13"),
        ({"HTTP_SEC_WEBSOCKET_VERSION": "13, 13"}, 426, "13, 13"),
        ({"HTTP_SEC_WEBSOCKET_KEY": None}, 400, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": ""}, 400, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "c2hvcnQ="}, 400, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZ!=="}, 400, "Key"),
        ({"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZ\xe9=="}, 400, "Key"),
        (
            {"HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==,dGhlIHNhbXBsZSBub25jZQ=="},
            400,
            "once",
        ),
        ({"CONTENT_LENGTH": "5"}, 400, "body"),
        ({"HTTP_TRANSFER_ENCODING": "chunked"}, 400, "body"),
        ({"HTTP_SEC_WEBSOCKET_PROTOCOL": "chat, not a token"}, 400, "not a token"),
    ],
)
def test_refusals_have_the_status_they_deserve(
    changes: dict[str, Any], status: int, word: str
) -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        handshake.accept(environ(**changes))
    assert refusal.value.status == status
    assert word in refusal.value.reason


@pytest.mark.parametrize(
    "changes",
    [
        {"HTTP_UPGRADE": "WebSocket"},
        {"HTTP_UPGRADE": "h2c, websocket"},
        {"HTTP_CONNECTION": "keep-alive, Upgrade"},  # Firefox
        {"CONTENT_LENGTH": ""},
        {"CONTENT_LENGTH": "0"},
    ],
)
def test_legal_spellings_are_accepted(changes: dict[str, Any]) -> None:
    assert handshake.accept(environ(**changes)).headers


def test_the_wrong_version_is_told_the_right_one() -> None:
    with pytest.raises(HandshakeRefused) as refusal:
        handshake.accept(environ(HTTP_SEC_WEBSOCKET_VERSION="7"))
    assert refusal.value.headers == {"Sec-WebSocket-Version": "13"}


@pytest.mark.parametrize(
    ("offered", "supported", "chosen"),
    [
        (None, ["a"], None),
        ("a", [], None),
        ("a, b", ["b", "a"], "b"),
        ("b,a", ["c", "a"], "a"),
        ("A", ["a"], None),
        (" , a,", ["a"], "a"),
    ],
)
def test_the_views_order_decides_the_subprotocol(
    offered: str | None, supported: list[str], chosen: str | None
) -> None:
    accepted = handshake.accept(environ(HTTP_SEC_WEBSOCKET_PROTOCOL=offered), supported)
    assert accepted.subprotocol == chosen
    assert accepted.headers.get("Sec-WebSocket-Protocol") == chosen
