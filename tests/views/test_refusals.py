"""Refusals that a browser can see, and those that stay HTTP."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.support.logs import messages, named
from tests.support.peers import closed_next
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT


def close_of(live: LiveServer, path: str, **options: Any) -> tuple[int, str]:
    """Connect, which must succeed, and return the Close that follows."""
    with live.connect(path, **options) as ws:
        return closed_next(ws)


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
        ("/nowhere/%C4%80%20%FF/", 4404, "not found"),
        ("/ws/echo", 4404, "missing final slash: /ws/echo/"),
        ("/ws/to-https/", 4403, "use wss"),
        ("/ws/members/", 4401, "authentication required"),
    ],
)
def test_an_answer_becomes_a_close(live: LiveServer, path: str, code: int, reason: str) -> None:
    assert close_of(live, path) == (code, reason)


def test_a_redirect_of_who_is_logged_in_is_no_question_of_login(live: LiveServer) -> None:
    browser = Client()
    browser.force_login(User.objects.create_user("ann"))
    cookie = {"Cookie": f"sessionid={browser.cookies['sessionid'].value}"}
    path = "/ws/permitted-or-login/"
    assert close_of(live, path, additional_headers=cookie) == (4403, "forbidden")
    assert close_of(live, path) == (4401, "authentication required")


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


@pytest.mark.parametrize(
    ("path", "origin", "advice"),
    [
        ("/ws/echo/", "http://evil.example", "Add 'http://evil.example' to CSRF_TRUSTED_ORIGINS"),
        ("/ws/partners/", "http://evil.example", "Add 'http://evil.example' to the view's origins"),
        ("/ws/unauthorized/", "http://evil.example", "Add 'http://evil.example' to CSRF_TRUSTED_"),
        ("/ws/members/", "http://" + "x" * 200, "Add 'http://xx"),
        ("/ws/echo/", "http://127.0.0.1:5173", "Only the port differs"),
        ("/nowhere/", "null", "Add 'null' to CSRF_TRUSTED_ORIGINS"),
    ],
)
def test_under_debug_a_browser_sees_why_its_origin_is_refused(
    live: LiveServer, settings: Any, path: str, origin: str, advice: str
) -> None:
    settings.DEBUG = True
    with live.connect(path, origin=origin, subprotocols=["v1.example"]) as ws:
        assert ws.response is not None
        assert "Set-Cookie" not in ws.response.headers  # as little as possible for other sites
        assert ws.subprotocol == "v1.example"
        code, reason = closed_next(ws)
    assert code == 4403
    assert reason.startswith(f"origin: {advice}")


def test_under_debug_the_handler_of_a_foreign_page_never_starts(
    live: LiveServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEBUG = True
    started: list[int] = []
    monkeypatch.setattr("c10kws.views.responses.SwitchingProtocols.close", started.append)
    assert close_of(live, "/ws/echo/", origin="http://evil.example")[0] == 4403
    assert started == []


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
    with live.connect("/ws/members/?token=secret") as ws:
        assert ws.response is not None
        assert "Location" not in ws.response.headers
    (record,) = named(caplog, "c10kws")
    assert " with 302 to /accounts/login/; " in record.getMessage()
    assert "secret" not in caplog.text
    fields = {"path": "/ws/members/", "status_code": 302, "close_code": 4401}
    assert {name: getattr(record, name) for name in fields} == fields


def test_a_path_cannot_forge_lines_of_the_log(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "c10kws")
    assert close_of(live, "/ws/greet/a%0Ab") == (4404, "missing final slash: /ws/greet/a\nb/")
    assert messages(caplog, "c10kws") == [
        "/ws/greet/a%0Ab: handshake refused with 301 to /ws/greet/a%0Ab/; "
        r"accepted and closed with 4404 'missing final slash: /ws/greet/a\nb/'"
    ]


def test_a_setting_keeps_http(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"CLOSE_REFUSED_HANDSHAKES": False}
    assert status_of(live, "/ws/unauthorized/") == 401
    assert status_of(live, "/nowhere/") == 404
