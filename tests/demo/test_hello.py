"""Tornado's own handlers in the demo."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from matrix.talk import NATIVE
from matrix.visitor import Visitor
from tests.support.demos import demo_in
from tests.support.waiting import WAIT
from tools.processes import ADDRESS


def test_the_page_comes_from_tornado_and_extends_the_base_template(visitor: Visitor) -> None:
    visitor.get("/hello-tornado").must_show("<h1>Hello, Tornado</h1>", "testpages.css", NATIVE)


def test_the_page_has_a_tag_of_tornado_and_nothing_of_django(port: int) -> None:
    with urlopen(f"http://{ADDRESS}:{port}/hello-tornado", timeout=WAIT) as answer:
        assert answer.headers["Etag"]
        assert answer.headers["X-Frame-Options"] is None  # a header of Django's middleware


def test_messages_are_sent_back(port: int) -> None:
    with connect(f"ws://{ADDRESS}:{port}{NATIVE}", proxy=None, open_timeout=WAIT) as websocket:
        for message in ("größer", b"\x00\xff", ""):
            websocket.send(message)
            assert websocket.recv(WAIT) == message


def test_another_site_is_refused(port: int) -> None:
    with pytest.raises(InvalidStatus, match="HTTP 403"):
        connect(
            f"ws://{ADDRESS}:{port}{NATIVE}",
            origin=Origin("http://other.example"),
            proxy=None,
            open_timeout=WAIT,
        )


def test_the_opening_messages_and_the_closing_are_logged(tmp_path: Path) -> None:
    def visit(port: int) -> None:
        with connect(f"ws://{ADDRESS}:{port}{NATIVE}", proxy=None, open_timeout=WAIT) as websocket:
            for message in ("Hello, world", "x" * 1000):
                websocket.send(message)
                websocket.recv(WAIT)

    check = demo_in(tmp_path).check(visit, "WebSocket closed")
    assert check["works"]
    said = [line.partition("] ")[2] for line in check["log"] if "handlers:" in line]
    assert said == [
        "WebSocket opened",
        "Someone said: Hello, world",
        f"Someone said: {'x' * 200}",
        "WebSocket closed",
    ]
