"""Refusals that a browser can see, and those that stay HTTP."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from .conftest import LiveServer

WAIT = 60


def close_of(live: LiveServer, path: str, **options: Any) -> tuple[int, str]:
    """Connect, which must succeed, and return the Close that follows."""
    with live.connect(path, **options) as ws, pytest.raises(ConnectionClosed) as closed:
        ws.recv(WAIT)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


def status_of(live: LiveServer, path: str, origin: str | None = None) -> int:
    """Send a valid handshake and return the status of the answer."""
    headers = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version": "13",
    } | ({"Origin": origin} if origin else {})
    connection = HTTPConnection("127.0.0.1", live.port, timeout=WAIT)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [
        ("/ws/unauthorized/", 4401, "authentication required"),
        ("/ws/forbidden/", 4403, "forbidden"),
        ("/ws/not-found/", 4404, "not found"),
        ("/nowhere/", 4404, "not found"),
        ("/ws/echo", 4404, "missing final slash: /ws/echo/"),
        ("/ws/to-https/", 4403, "use wss"),
        ("/ws/members/", 4401, "authentication required"),
    ],
)
def test_an_answer_becomes_a_close(live: LiveServer, path: str, code: int, reason: str) -> None:
    assert close_of(live, path) == (code, reason)


def test_a_long_path_fits_the_reason(live: LiveServer, settings: Any) -> None:
    code, reason = close_of(live, "/ws/greet/" + "é" * 200)
    assert code == 4404
    assert reason.startswith("missing final slash: /ws/greet/")
    assert len(reason.encode()) <= 123


def test_a_redirect_that_is_no_websockets_stays_http(live: LiveServer) -> None:
    assert status_of(live, "/ws/elsewhere/") == 302


@pytest.mark.parametrize("path", ["/ws/unauthorized/", "/ws/echo/", "/nowhere/"])
def test_a_foreign_origin_gets_no_websocket(live: LiveServer, path: str) -> None:
    assert 400 <= status_of(live, path, origin="http://evil.example") < 500


def test_the_views_origins_count_for_its_refusals(live: LiveServer) -> None:
    assert close_of(live, "/ws/everybody", origin="http://evil.example")[0] == 4404
    assert status_of(live, "/ws/partners", origin="http://evil.example") == 301


@pytest.mark.parametrize(
    ("path", "offered", "echoed"),
    [
        ("/ws/subprotocol", ["other", "v1.example"], "v1.example"),
        ("/ws/subprotocol", ["other"], "other"),
        ("/nowhere/", ["a", "b"], "a"),
        ("/nowhere/", None, None),
    ],
)
def test_an_offered_subprotocol_is_echoed(
    live: LiveServer, path: str, offered: Any, echoed: str | None
) -> None:
    with live.connect(path, subprotocols=offered) as ws:
        assert ws.subprotocol == echoed


def test_cookies_are_kept(live: LiveServer) -> None:
    with live.connect("/ws/unauthorized/") as ws:
        assert ws.response is not None
        assert ws.response.headers["Set-Cookie"].startswith("refused=kept")


def test_the_redirects_target_is_logged_and_not_sent(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws")
    with live.connect("/ws/members/") as ws:
        assert ws.response is not None
        assert "Location" not in ws.response.headers
    assert "/accounts/login/" in caplog.text


def test_a_setting_keeps_http(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"CLOSE_REFUSED_HANDSHAKES": False}
    assert status_of(live, "/ws/unauthorized/") == 401
    assert status_of(live, "/nowhere/") == 404
