"""Hostile handshakes on raw sockets, through the server, Django and the refusals wrapper."""

from __future__ import annotations

import socket

import pytest

from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

GOOD = {
    "Host": "127.0.0.1",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version": "13",
}


def answer(
    live: LiveServer,
    changes: dict[str, str | None] | None = None,
    *extra: str,
    line: str = "GET /ws/echo/ HTTP/1.1",
    body: bytes = b"",
) -> str:
    """Send a handshake, changed, and return the whole answer; the client closes its half."""
    headers = GOOD | (changes or {})
    lines = [line, *(f"{name}: {value}" for name, value in headers.items() if value is not None)]
    request = "\r\n".join([*lines, *extra]).encode("latin-1") + b"\r\n\r\n" + body
    with socket.create_connection(("127.0.0.1", live.port), WAIT) as connection:
        connection.sendall(request)
        data = b""
        while b"\r\n\r\n" not in data or (b"Content-Length" in data and not complete(data)):
            part = connection.recv(65536)
            if not part:
                break
            data += part
    return data.decode("latin-1")


def complete(data: bytes) -> bool:
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(line for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    return len(body) >= int(length.split(b":")[1])


def test_the_handshake_that_all_others_are_changed_from(live: LiveServer) -> None:
    text = answer(live)
    assert text.startswith("HTTP/1.1 101 ")
    assert "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in text
    assert "\r\nContent-Type" not in text
    assert "\r\nContent-Length" not in text


def test_a_plain_get_is_asked_to_upgrade(live: LiveServer) -> None:
    text = answer(live, {"Upgrade": None, "Connection": None})
    assert text.startswith("HTTP/1.1 426 ")
    assert "\r\nUpgrade: websocket\r\n" in text
    assert "\r\nConnection: Upgrade\r\n" in text


def test_another_version_is_told_ours(live: LiveServer) -> None:
    text = answer(live, {"Sec-WebSocket-Version": "8"})
    assert text.startswith("HTTP/1.1 426 ")
    assert "\r\nSec-WebSocket-Version: 13\r\n" in text


@pytest.mark.parametrize(
    ("changes", "extra", "line", "status"),
    [
        ({"Sec-WebSocket-Key": None}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Sec-WebSocket-Key": "short"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({}, ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Connection": "close"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({}, (), "GET /ws/echo/ HTTP/1.0", 400),
        ({}, (), "POST /ws/echo/ HTTP/1.1", 405),
        ({"Host": None}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Host": "evil.example"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Host": "xn--"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Host": "\xe9\xff"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Origin": "http://evil.example"}, (), "GET /ws/echo/ HTTP/1.1", 403),
        ({"Origin": "\xe9\xff"}, (), "GET /ws/echo/ HTTP/1.1", 403),
        ({"Sec-WebSocket-Protocol": "a b"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"Sec-WebSocket-Protocol": "\xe9"}, (), "GET /ws/echo/ HTTP/1.1", 400),
        ({"X-Big": "x" * 70_000}, (), "GET /ws/echo/ HTTP/1.1", 431),
    ],
)
def test_refusals(
    live: LiveServer,
    changes: dict[str, str | None],
    extra: tuple[str, ...],
    line: str,
    status: int,
) -> None:
    text = answer(live, changes, *extra, line=line)
    assert text.split(" ", 2)[1] == str(status), text
    assert "Traceback" not in text


def test_a_body_is_refused_and_never_taken_for_frames(live: LiveServer) -> None:
    for header in ("Content-Length: 6", "Transfer-Encoding: chunked"):
        body = b"\x81\x80\x00\x00\x00\x00" if "Length" in header else b"1\r\n\x81\r\n0\r\n\r\n"
        assert answer(live, {}, header, body=body).startswith("HTTP/1.1 400 ")


def test_an_extension_offer_of_any_shape_is_left_aside(live: LiveServer) -> None:
    for offer in ("permessage-deflate; client_max_window_bits=abc", '"', ";;,=\xe9", "x" * 5000):
        text = answer(live, {"Sec-WebSocket-Extensions": offer})
        assert text.startswith("HTTP/1.1 101 ")
        assert "Extensions" not in text


def test_a_refused_origin_is_named(live: LiveServer) -> None:
    text = answer(live, {"Origin": "http://evil.example"})
    for word in ("http://evil.example", "127.0.0.1", "CSRF_TRUSTED_ORIGINS"):
        assert word in text
