"""``@websocket`` views on a live server, against the ``websockets`` client."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.core.signals import got_request_exception
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK

from tests.differences import ADMINS, mails_without_mailers
from tests.project import views
from tests.support.accounts import cookies, logged_in
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


@pytest.fixture(autouse=True)
def access_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Let the access lines into the captured log: they are the last thing of a connection."""
    caplog.set_level("INFO", "c10kws.access")


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


def test_url_arguments_and_the_end_with_1000(live: LiveServer) -> None:
    with live.connect("/ws/greet/Ann%20Lee/2/") as ws:
        assert [ws.recv(WAIT), ws.recv(WAIT)] == ["Hello Ann Lee!"] * 2
        assert closed_with(ws) == (1000, "")


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
    with live.connect("/ws/nobody/", additional_headers=cookies(client)) as ws:
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


def test_language_and_time_zone_of_the_handshake(live: LiveServer) -> None:
    with live.connect("/ws/locale/", additional_headers={"Accept-Language": "de"}) as ws:
        assert [ws.recv(WAIT), ws.recv(WAIT)] == ["de UTC", "de UTC"]
    with live.connect("/ws/locale/", additional_headers={"Accept-Language": "fr"}) as ws:
        assert [ws.recv(WAIT), ws.recv(WAIT)] == ["fr UTC", "fr UTC"]


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


def test_the_connections_end_inside_a_group_is_a_normal_end(
    live: LiveServer, caplog: pytest.LogCaptureFixture
) -> None:
    with live.connect("/ws/in-a-group/") as ws:
        ws.send("x")
        ws.close()
    eventually(lambda: [r for r in caplog.records if r.name == "c10kws.access"])
    assert not [r for r in caplog.records if r.name == "django.request"]


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_close_codes_of_the_handler(live: LiveServer, code: int) -> None:
    with live.connect(f"/ws/closing/{code}/") as ws:
        assert closed_with(ws) == (code, "as asked")


@pytest.mark.parametrize("where", ["loop", "thread", "stream", "group"])
@pytest.mark.parametrize("name", views.ERRORS)
def test_no_exception_of_a_handler_ends_more_than_its_connection(
    live: LiveServer, caplog: pytest.LogCaptureFixture, where: str, name: str
) -> None:
    """Not only an Exception: the panic of a binding, sys.exit(), GeneratorExit."""
    for _ in range(2):
        with live.connect(f"/ws/raising/{where}/{name}/") as ws:
            assert closed_with(ws) == (1011, "internal error")
    if where != "stream":  # no task waits for it
        eventually(lambda: caplog.text.count("WebSocket handler failed: /ws/raising/") == 2)


@pytest.mark.parametrize("code", [999, 1005, 5000])
def test_a_close_code_that_may_not_be_sent_is_the_handlers_error(
    live: LiveServer, code: int
) -> None:
    with live.connect(f"/ws/closing/{code}/") as ws:
        assert closed_with(ws) == (1011, "internal error")


def test_a_message_over_a_mebibyte_is_refused(live: LiveServer) -> None:
    with live.connect("/ws/echo/", max_size=None) as ws:
        ws.send(b"x" * 1024 * 1024)
        assert len(ws.recv(WAIT)) == 1024 * 1024
        ws.send(b"x" * (1024 * 1024 + 1))
        assert closed_with(ws)[0] == 1009


def test_a_handler_that_takes_no_notice_is_cancelled(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"HANDLER_TIMEOUT": 0.1}
    views.deaf_ended.clear()
    with live.connect("/ws/deaf/"):
        pass
    assert views.deaf_ended.wait(WAIT)


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


def test_cookies_set_in_the_handshake_arrive(live: LiveServer) -> None:
    with live.connect("/ws/session-cookie/") as ws:
        assert ws.response is not None
        values = ws.response.headers.get_all("Set-Cookie")
        assert any(value.startswith("sessionid=") for value in values)
        assert any(value.startswith("flavour=oatmeal") for value in values)
        ws.send("x")
        assert ws.recv(WAIT) == "x"


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


@pytest.mark.parametrize(
    ("code", "client_error"), [(1001, ConnectionClosedOK), (1012, ConnectionClosedError)]
)
def test_a_stopping_server_says_why(
    live: LiveServer, code: int, client_error: type[Exception]
) -> None:
    with live.connect("/ws/echo/") as ws:
        ws.send("x")
        ws.recv(WAIT)
        live.begin_stop(code)
        with pytest.raises(client_error):
            ws.recv(WAIT)
        assert ws.close_code == code
    live.wait_stopped()
    live.server.pool.shutdown(wait=True)
