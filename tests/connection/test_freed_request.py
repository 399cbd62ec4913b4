"""A request that its view does not keep is freed."""

from __future__ import annotations

from typing import Any

import pytest

from c10kws import WebSocket
from tests.project.frames_views import play, requests_alive
from tests.support.logs import named
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

pytestmark = pytest.mark.usefixtures("no_pings")


def ask_for_request(answers: list[Any]) -> Any:
    async def handler(ws: WebSocket) -> None:
        answers.append(hasattr(ws, "request"))
        answers.append(hasattr(ws, "user") and ws.user.is_anonymous)
        await ws.write_message("ready")
        if await ws.read_message() == "fail":
            raise KeyError("as told")

    return handler


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("/ws/frames/kept/", [True, True]),
        ("/ws/frames/let-go/", [False, True]),
        ("/ws/frames/let-go-both/", [False, False]),
    ],
)
def test_a_connection_without_its_request_is_still_reported(
    live: LiveServer,
    caplog: pytest.LogCaptureFixture,
    path: str,
    answers: list[bool],
) -> None:
    caplog.set_level("INFO", "c10kws.access")
    seen: list[Any] = []
    play(ask_for_request(seen))
    with live.connect(f"{path}?a=1") as ws:
        assert ws.recv(WAIT) == "ready"
        ws.send("fail")
        assert closed_with(ws) == (1011, "internal error")
    assert seen == answers
    eventually(lambda: named(caplog, "c10kws.access"))
    (record,) = named(caplog, "c10kws.access")
    assert record.getMessage().startswith(
        f'127.0.0.1 "WebSocket {path}" 1011 received 1 sent 1 dropped 0 '
    )
    eventually(lambda: named(caplog, "django.request"))
    (record,) = named(caplog, "django.request")
    assert record.getMessage().startswith(f"WebSocket handler failed: {path}")
    assert record.exc_info is not None and record.exc_info[0] is KeyError
    assert hasattr(record, "request") == (path == "/ws/frames/kept/")


@pytest.mark.parametrize(
    ("path", "alive"),
    [
        ("/ws/frames/kept/", 1),
        ("/ws/frames/let-go/", 0),
        ("/ws/frames/let-go-both/", 0),
    ],
)
def test_a_request_that_is_let_go_leaves_the_memory(
    live: LiveServer, path: str, alive: int
) -> None:
    play(ask_for_request([]))
    with live.connect(path) as ws:
        assert ws.recv(WAIT) == "ready"
        eventually(lambda: requests_alive() == alive)
