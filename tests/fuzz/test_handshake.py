"""Random and mutated handshakes, sent to a live server."""

from __future__ import annotations

import base64
import hashlib
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.project.frames_views import echo, play
from tests.support.fuzz import check_settled, examples
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#: Seconds to wait for the first byte of a response; an incomplete request has none.
PATIENCE = 0.02
#: Every status that the server, the library and Django may answer these requests with.
STATUSES = {101, 200, 301, 302, 400, 403, 404, 405, 408, 413, 426, 431, 501, 503, 505}
HEADERS = [
    ("Host", "127.0.0.1"),
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Key", KEY),
    ("Sec-WebSocket-Version", "13"),
]
OFFERS = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=7",
    'permessage-deflate; client_max_window_bits="9", x; y=z',
    "permessage-deflate; client_max_window_bits=99999999999999999999",
    "permessage-deflate;;",
    ",",
    '"',
]
names = st.sampled_from(
    [name for name, _ in HEADERS]
    + ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Origin", "Cookie", "X-Forwarded-For"]
    + ["Content-Length", "Transfer-Encoding", "Expect", "X-Forwarded-Proto", "Te", "Sec-X"]
)
characters = st.characters(min_codepoint=0, max_codepoint=255)
values = st.one_of(
    st.sampled_from([value for _, value in HEADERS]),
    st.sampled_from(OFFERS),
    st.sampled_from(["", "0", "1", "5", "-1", "12", "13, 13", "chunked", "100-continue", "*"]),
    st.sampled_from(["keep-alive, Upgrade", "upgrade, upgrade", "h2c, websocket", "WEBSOCKET"]),
    st.sampled_from(
        ["chat, superchat", "a b", "c10kws.v1.json", "sessionid=\x7f; =; a", "sessionid"]
    ),
    st.sampled_from(["http://127.0.0.1", "null", "http://[", "http://é", "https://evil.example"]),
    st.sampled_from(["localhost:0", "[::1]", "[", "a:b", "127.0.0.1:99999", "999.1.1.1", "::1%x"]),
    st.text(characters, max_size=20),
)
headers = st.tuples(names, values)
methods = st.sampled_from(["GET"] * 12 + ["HEAD", "POST", "CONNECT", "OPTIONS", "get", "", "\x00"])
paths = st.one_of(
    st.sampled_from(["/ws/echo/", "/ws/frames/compressed/", "/ws/members/"] * 3),
    st.sampled_from(["/ws/echo", "/nowhere/", "/page/", "*", "/ws/greet/%ff%00/", "http://a/b"]),
    st.sampled_from(["/ws/greet/%0aforged", "/nowhere/%c4%80%1b", "/ws/members/%c2%9b", "/%0d/"]),
    st.text(characters, max_size=10).map("/ws/".__add__),
)
versions = st.sampled_from(["HTTP/1.1"] * 9 + ["HTTP/1.0", "HTTP/2.0", "HTTP/1.9", "http/1.1", ""])
#: A change of the list of headers: what to do, where, and with what.
changes = st.lists(
    st.tuples(st.sampled_from(["drop", "add", "replace", "rename"]), st.integers(0, 9), headers),
    max_size=3,
)
ends = st.sampled_from(["\r\n"] * 9 + ["\n", "\r"])
#: Bytes that are replaced, inserted or cut out of the request.
damages = st.lists(
    st.tuples(st.integers(0, 400), st.integers(0, 3), st.binary(max_size=3)), max_size=2
)
followed_by = st.one_of(st.just(b""), st.binary(max_size=30), st.just(b"\x81\x81abcd\x19"))


@st.composite
def handshakes(draw: st.DrawFn) -> bytes:
    lines = [*HEADERS]
    for kind, position, (name, value) in draw(changes):
        position %= len(lines) or 1
        if kind == "add" or not lines:
            lines.insert(position, (name, value))
        elif kind == "drop":
            del lines[position]
        elif kind == "replace":
            lines[position] = (lines[position][0], value)
        else:
            lines[position] = (name, lines[position][1])
    first = " ".join((draw(methods), draw(paths), draw(versions)))
    end = draw(ends)
    text = end.join([first, *(f"{name}: {value}" for name, value in lines), "", ""])
    data = bytearray(text.encode("latin-1"))
    if draw(st.integers(0, 2)) == 0:
        for position, size, replacement in draw(damages):
            position %= len(data) + 1
            data[position : position + size] = replacement
    return bytes(data) + draw(followed_by)


def ask(client: Client, pieces: Sequence[bytes]) -> bytes:
    """Return what the server sends until it closes. It refuses to switch for a client that left."""
    with suppress(OSError):
        for piece in pieces:
            client.send(piece)
        client.socket.settimeout(PATIENCE)
        with suppress(TimeoutError):
            client.peek()
        client.socket.settimeout(WAIT)
        client.socket.shutdown(socket.SHUT_WR)
    return client.read_to_end()


def check_response(data: bytes, sent: bytes) -> None:
    """Check the first response: its status, and that it tells nothing about the server's code."""
    if not data:
        return  # an incomplete request of a client that has left
    version, status, *_ = data.split(b"\r\n", 1)[0].split(b" ", 2)
    assert version == b"HTTP/1.1"
    assert int(status) in STATUSES, data
    assert b"Traceback" not in data
    if status == b"101" and KEY.encode() in sent:
        accept = base64.b64encode(hashlib.sha1(KEY.encode() + GUID).digest())
        assert b"Sec-WebSocket-Accept: " + accept + b"\r\n" in data


def test_handshakes(
    make_live: Callable[..., LiveServer], settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.C10KWS = {"MAX_CONNECTIONS_PER_ADDRESS": 1000, "CLOSE_TIMEOUT": 1.0}
    caplog.set_level(logging.INFO)
    live = make_live()
    play(echo)

    @examples(250)
    @given(handshakes(), st.integers(0, 400))
    def scenario(data: bytes, cut: int) -> None:
        with live.client() as client:
            check_response(ask(client, [data[:cut], data[cut:]]), data)

    scenario()
    check_settled(live, caplog)
