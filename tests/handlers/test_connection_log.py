"""The log of a WebSocket: exceptions, unsaved sessions, access lines."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.signals import got_request_exception

from tests.differences import ADMINS, mails_without_mailers
from tests.support.accounts import cookies, logged_in
from tests.support.logs import named
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


@mails_without_mailers
@pytest.mark.parametrize("path", ["/ws/failing/", "/ws/foreign-end/"])
def test_a_handler_that_raises_is_reported_like_a_view(
    live: LiveServer,
    path: str,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    mailoutbox: list[Any],
) -> None:
    settings.ADMINS = ADMINS
    seen: list[Any] = []

    def receive(sender: Any, request: Any, **kwargs: Any) -> None:
        seen.append(request.path)

    got_request_exception.connect(receive)
    try:
        with live.connect(path) as ws:
            ws.send("now")
            assert closed_with(ws) == (1011, "internal error")
        eventually(lambda: seen)
    finally:
        got_request_exception.disconnect(receive)
    assert seen == [path]
    eventually(lambda: [r for r in caplog.records if r.name == "django.request"])
    (record,) = [r for r in caplog.records if r.name == "django.request"]
    assert record.exc_info is not None
    assert record.request.path == path  # type: ignore[attr-defined]
    assert record.threadName != "live-server"
    eventually(lambda: mailoutbox)
    assert path in mailoutbox[0].subject


def test_an_unsaved_session_is_named_and_a_saved_one_is_not(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = logged_in("ann")
    for order in ("save", "forget"):
        with live.connect("/ws/change-session/", additional_headers=cookies(client)) as ws:
            ws.send(order)
            assert closed_with(ws)[0] == 1000
    eventually(lambda: len([r for r in caplog.records if r.name == "c10kws.access"]) == 2)
    assert "asave()" not in caplog.text
    client.session.flush()
    client = logged_in("bob")
    with live.connect("/ws/change-session/", additional_headers=cookies(client)) as ws:
        ws.send("forget")
    eventually(lambda: "await ws.request.session.asave()" in caplog.text)


@pytest.mark.parametrize(
    ("own", "forwarded", "expected"),
    [
        ({}, "", '127.0.0.1 "WebSocket /ws/echo/" 1000 '),
        ({"LOG_QUERY_STRINGS": True}, "", '127.0.0.1 "WebSocket /ws/echo/?token=a%0A" 1000 '),
        ({}, "1.1.1.1, 192.0.2.7", '192.0.2.7 "WebSocket /ws/echo/" 1000 '),
        ({"TRUSTED_PROXIES": []}, "192.0.2.7", '127.0.0.1 "WebSocket /ws/echo/" 1000 '),
    ],
)
def test_the_access_line_of_a_websocket(
    make_live: Callable[..., LiveServer],
    settings: Any,
    caplog: pytest.LogCaptureFixture,
    own: dict[str, Any],
    forwarded: str,
    expected: str,
) -> None:
    settings.C10KWS = own
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with make_live().connect("/ws/echo/?token=a%0A", additional_headers=headers) as ws:
        ws.send("x")
        ws.recv(WAIT)
    eventually(lambda: [r for r in caplog.records if r.name == "c10kws.access"])
    (record,) = [r for r in caplog.records if r.name == "c10kws.access"]
    assert record.getMessage().startswith(expected + "received 1 sent 1 dropped 0 ")


def test_records_have_fields(live: LiveServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "c10kws.access")
    client = logged_in("ann")
    with live.connect("/ws/closing/3007/?a=1", additional_headers=cookies(client)) as ws:
        assert closed_with(ws)[0] == 3007
    with live.connect("/ws/failing/", additional_headers=cookies(client)) as ws:
        ws.send("now")
        assert closed_with(ws)[0] == 1011
    eventually(lambda: len(named(caplog, "c10kws.access")) == 4)
    eventually(lambda: named(caplog, "django.request"))
    lines = named(caplog, "c10kws.access")
    opened = next(each for each in lines if each.levelno == logging.DEBUG)
    ended = next(each for each in lines if getattr(each, "close_code", None) == 3007)
    (failed,) = named(caplog, "django.request")
    assert '"WebSocket /ws/closing/3007/" open' in opened.getMessage()
    assert ended.__dict__.items() >= {"sent": 0, "received": 0, "dropped": 0}.items()
    user_id = User.objects.get().pk
    for record in (opened, ended):
        facts = {"path": "/ws/closing/3007/", "endpoint": "ws/closing/<int:code>/"}
        assert record.__dict__.items() >= facts.items()
    for record in (opened, ended, failed):
        assert record.__dict__.items() >= {"user_id": user_id, "remote_addr": "127.0.0.1"}.items()
    for record in (ended, failed):
        assert 0 < record.__dict__["duration"] < WAIT
    assert failed.__dict__["path"] == "/ws/failing/"
