"""``runserver --frames``: a line for each frame, and none of the client's secrets."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.core.management.color import make_style
from django.http import HttpRequest
from django.test import RequestFactory
from django.utils.log import ServerFormatter

from c10kws.handlers.tracing import tracing
from c10kws.management.frame_line import MAX_TEXT, describe_frame, secrets_of
from c10kws.management.frame_scanner import FrameScanner, SeenFrame, SeenMessage
from c10kws.management.frame_trace import FrameTracer
from c10kws.management.log_output import DjangoServerHandler
from tests.support.accounts import cookies, logged_in
from tests.support.commands import Start, get, open_socket
from tests.support.logs import messages, named
from tests.support.peers import closed_with
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually


@pytest.fixture
def frames(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], list[str]]]:
    """The lines about frames, while the tracer is on."""
    caplog.set_level("DEBUG", "c10kws.frames")
    tracing.tracer = FrameTracer()
    try:
        yield lambda: messages(caplog, "c10kws.frames")
    finally:
        tracing.tracer = None


def test_each_frame_has_a_line_in_order(
    live: LiveServer, frames: Callable[[], list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "c10kws.access")
    with live.connect("/ws/echo/?token=secret") as ws:
        for message in ("hello", b"\x00\xff" * 20, "é" * 300, "\x1b[31m"):
            ws.send(message)
            assert ws.recv(WAIT) == message
        ws.ping("?").wait(WAIT)
        ws.close(1000, "bye")
    eventually(lambda: len(named(caplog, "c10kws.access")) == 2)
    binary = ("00 ff " * 12).strip()
    texts = [
        "text 5 bytes: 'hello'",
        f"binary 40 bytes: {binary} …",
        f"text 600 bytes: '{'é' * MAX_TEXT}'…",
        r"text 5 bytes: '\x1b[31m'",
    ]
    expected = [f"{way} {text}" for text in texts for way in ("received", "sent")]
    expected += ["received ping 1 bytes: 3f", "sent pong 1 bytes: 3f"]
    expected += [f"{way} close 5 bytes: 1000 'bye'" for way in ("received", "sent")]
    assert frames() == [f'"WebSocket /ws/echo/" {text}' for text in expected]
    around = [each.name for each in caplog.records if each.name.startswith("c10kws.")]
    assert (around[0], around[-1]) == ("c10kws.access", "c10kws.access")


def test_long_messages_pass_unchanged(live: LiveServer, frames: Callable[[], list[str]]) -> None:
    """The stream under the tracer has the same backpressure and the same bytes."""
    long = "0123456789" * 30_000
    with live.connect("/ws/echo/", max_size=None) as ws:
        for _ in range(5):
            ws.send(long)
        for _ in range(5):
            assert ws.recv(WAIT) == long
    eventually(lambda: sum("text 300000 bytes: '0123" in line for line in frames()) == 10)


def test_no_cookie_is_shown(live: LiveServer, frames: Callable[[], list[str]]) -> None:
    client = logged_in("ann")
    session = client.cookies["sessionid"].value
    with live.connect("/ws/echo/", additional_headers=cookies(client)) as ws:
        for message in (f"key={session}", f"{'x' * (MAX_TEXT - 5)}{session}", session.encode()):
            ws.send(message)
            assert ws.recv(WAIT) == message
        ws.send([session[:20], session[20:]])
        assert ws.recv(WAIT) == session
    eventually(lambda: len(frames()) >= 10)
    assert "key=********" in frames()[0]
    for line in frames():
        assert session[:5] not in line and session[-5:] not in line
        assert session.encode()[:5].hex(" ") not in line
        assert "Sec-WebSocket" not in line and "Cookie" not in line


def test_nothing_is_wrapped_without_a_tracer(live: LiveServer) -> None:
    stream = cast(Any, object())
    assert tracing.wrap(stream, HttpRequest()) is stream


def whole(opcode: int, payload: bytes, *, compressed: bool = False) -> SeenFrame:
    message = SeenMessage(opcode, len(payload), payload, compressed)
    return SeenFrame(opcode, len(payload), message)


def test_frames_in_pieces() -> None:
    masked = b"\x81\x83abcd" + bytes(a ^ b for a, b in zip(b"xyz", b"abc", strict=True))
    data = masked + b"\x02\xfe" + struct.pack("!H", 300) + bytes(4) + b"a" * 300
    data += b"\x80\xff" + struct.pack("!Q", 70_000) + bytes(4) + b"b" * 70_000
    data += b"\x88\x80abcd" + b"\xc1\x01a"
    expected = [
        whole(1, b"xyz"),
        SeenFrame(2, 300),
        SeenFrame(0, 70_000, SeenMessage(2, 70_300, b"a" * 300 + b"b" * 3796)),
        whole(8, b""),
        whole(1, b"a", compressed=True),
    ]
    assert list(FrameScanner().feed(data)) == expected
    reader = FrameScanner()
    found = [frame for byte in data for frame in reader.feed(bytes([byte]))]
    assert found == expected


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (whole(1, b""), "text 0 bytes: ''"),
        (SeenFrame(1, 2), "text fragment 2 bytes"),
        (SeenFrame(0, 3), "continuation fragment 3 bytes"),
        (
            SeenFrame(0, 2, SeenMessage(1, 4, b"\xc3\xa9ab")),
            "continuation 2 bytes, message of 4 bytes: 'éab'",
        ),
        (whole(1, b"\xff\xfe"), "text 2 bytes: ff fe"),
        (whole(1, b"?", compressed=True), "text 1 bytes, compressed"),
        (
            SeenFrame(0, 2, SeenMessage(1, 4, b"?", compressed=True)),
            "continuation 2 bytes, message of 4 bytes, compressed",
        ),
        (whole(8, b""), "close 0 bytes"),
        (whole(8, b"\x03\xe9"), "close 2 bytes: 1001"),
        (whole(9, b""), "ping 0 bytes"),
        (whole(11, b""), "opcode 11 0 bytes"),
    ],
)
def test_the_text_of_a_frame(frame: SeenFrame, expected: str) -> None:
    assert describe_frame(frame, ()) == expected


def test_secrets_are_long_cookies_and_the_session() -> None:
    request = RequestFactory().get("/")
    request.COOKIES = {"language": "de", "csrftoken": "c" * 32, "other": "o" * 8}
    request.session = cast(Any, SimpleNamespace(session_key="s" * 40))
    assert secrets_of(request) == (b"s" * 40, b"c" * 32, b"o" * 8)
    assert secrets_of(HttpRequest()) == ()


@pytest.mark.parametrize(
    ("name", "level", "fields", "role"),
    [
        ("c10kws.access", logging.DEBUG, {}, "SUCCESS"),
        ("c10kws.access", logging.INFO, {"close_code": 1001}, "HTTP_NOT_MODIFIED"),
        ("c10kws.access", logging.INFO, {"close_code": 1006}, "HTTP_NOT_FOUND"),
        ("c10kws.access", logging.INFO, {"close_code": 1011}, "HTTP_SERVER_ERROR"),
        ("c10kws.frames", logging.DEBUG, {"direction": "received"}, "SQL_COLTYPE"),
        ("c10kws.frames", logging.DEBUG, {"direction": "sent"}, "SQL_FIELD"),
        ("c10kws_tornado.access", logging.INFO, {"status_code": 200}, "HTTP_SUCCESS"),
    ],
)
def test_lines_have_the_colours_of_djangos_palette(
    monkeypatch: pytest.MonkeyPatch, name: str, level: int, fields: dict[str, Any], role: str
) -> None:
    server = logging.getLogger("django.server")
    handler = logging.Handler()
    formatter = handler.formatter = ServerFormatter("{message}", style="{")
    formatter.style = style = make_style("dark")
    lines: list[str] = []
    monkeypatch.setattr(handler, "emit", lambda record: lines.append(handler.format(record)))
    monkeypatch.setattr(server, "handlers", [handler])
    monkeypatch.setattr(server, "level", logging.INFO)
    server.manager._clear_cache()  # type: ignore[attr-defined]
    record = logging.makeLogRecord(
        {"name": name, "levelno": level, "msg": "a %s", "args": ("line",), **fields}
    )
    DjangoServerHandler().emit(record)
    assert lines == [getattr(style, role)("a line")]
    assert record.levelno == level and record.args == ("line",)


def test_runserver_prints_open_close_and_frames(start: Start, port: int) -> None:
    command = start("runserver", "--noreload", "--frames", str(port))
    command.wait_for("Quit the server")
    with open_socket(port, "/ws/session/") as ws:
        key = ws.response.headers["Set-Cookie"].partition("sessionid=")[2].partition(";")[0]
        ws.send(f"hello {key}")
        assert ws.recv(WAIT) == f"hello {key}"
        ws.close(3000)
        assert closed_with(ws)[0] == 3000
    command.wait_for('"WebSocket /ws/session/" 3000 received 1 sent 1')
    line = r'\[[^]]+\] 127\.0\.0\.1 "WebSocket /ws/session/" '
    size = 6 + len(key)
    stars = r"\*" * len(key)
    for text in (f"received text {size} bytes: 'hello {stars}'", "sent close 2 bytes: 3000"):
        command.wait_for(rf'\[[^]]+\] "WebSocket /ws/session/" {text}')
    command.wait_for(line + "open")
    lines = command.output.splitlines()
    kinds = [
        each.partition('/ws/session/" ')[2].split()[0] for each in lines if "WebSocket /" in each
    ]
    assert kinds == ["open", "received", "sent", "received", "sent", "3000"]
    assert key not in command.output


def test_runserver_prints_no_frames_by_default(start: Start, port: int) -> None:
    command = start("runserver", "--noreload", str(port))
    command.wait_for("Quit the server")
    with open_socket(port) as ws:
        ws.send("hello")
        assert ws.recv(WAIT) == "hello"
    command.wait_for(r'"WebSocket /ws/echo/" open')
    command.wait_for(r'"WebSocket /ws/echo/" 1000 received 1 sent 1')
    assert get(port, "/admin/login/")[0] == 200
    assert "hello" not in command.output
