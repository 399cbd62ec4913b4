"""The run of a handler: how its end closes the connection, and the other way round."""

from __future__ import annotations

from typing import Any

import pytest

from tests.project import views
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


def test_url_arguments_and_the_end_with_1000(live: LiveServer) -> None:
    with live.connect("/ws/greet/Ann%20Lee/2/") as ws:
        assert [ws.recv(WAIT), ws.recv(WAIT)] == ["Hello Ann Lee!"] * 2
        assert closed_with(ws) == (1000, "")


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


def test_a_handler_that_takes_no_notice_is_cancelled(live: LiveServer, settings: Any) -> None:
    settings.C10KWS = {"HANDLER_TIMEOUT": 0.1}
    views.deaf_ended.clear()
    with live.connect("/ws/deaf/"):
        pass
    assert views.deaf_ended.wait(WAIT)
