"""``manage.py testecho`` against servers that get it wrong: each fault is counted and named."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from django.test import override_settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from tests.support.servers import LiveServer
from tests.support.testecho import page, reasons, testecho
from tests.support.waiting import WAIT

pytestmark = pytest.mark.programs

Handler = Callable[[ServerConnection], None]


@contextmanager
def serving(handler: Handler) -> Iterator[str]:
    """Serve by the ``websockets`` library, which knows nothing of ours."""
    with serve(handler, "127.0.0.1", 0, compression=None, max_size=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/"
        server.shutdown()
        thread.join(WAIT)


def talk(ws: ServerConnection, *answers: str | bytes) -> None:
    """Greet, and answer each message with the next answer."""
    ws.send("Hello!")
    for answer in answers:
        ws.recv(WAIT)
        ws.send(answer)


def wrong_text(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?", "2. Spam!")
    ws.recv(WAIT)


def wrong_order(ws: ServerConnection) -> None:
    talk(ws, "2. Eggs!")
    ws.recv(WAIT)


def binary(ws: ServerConnection) -> None:
    talk(ws, b"1. Spam?")
    ws.recv(WAIT)


def closes_early(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?")
    ws.close(4001, "that is all")


def drops(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?")
    ws.recv(WAIT)
    ws.socket.shutdown(socket.SHUT_RDWR)


def talks_on(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?", "2. Eggs!", "3. Python.")
    ws.send("Goodbye!")
    ws.send("One more thing")


def closes_wrongly(ws: ServerConnection) -> None:
    talk(ws, "1. Spam?", "2. Eggs!", "3. Python.")
    ws.send("Goodbye!")
    ws.close(1011)


def never_ends(ws: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        ws.send("x" * 1000 for _ in range(1000))


def only_pings(ws: ServerConnection) -> None:
    with suppress(ConnectionClosed):
        for _ in range(50):
            ws.ping().wait(WAIT)
            threading.Event().wait(0.1)


def test_pings_give_no_more_time() -> None:
    with serving(only_pings) as url:
        output, _, _ = testecho(url, clients=1, rounds=1, timeout=1)
    assert "expected 'Hello!': nothing came in 1 s" in output


def test_several_servers_get_as_many_clients() -> None:
    ports: list[int] = []

    def right(ws: ServerConnection) -> None:
        talk(ws, "1. Spam?", "2. Eggs!", "3. Python.")
        ws.send("Goodbye!")
        ports.append(ws.local_address[1])

    with serving(right) as first, serving(right) as second:
        output, _, error = testecho(first, second, second, clients=20, rounds=1)
    assert error == "" and "20 of 20" in output
    assert sorted(Counter(ports).values()) == [10, 10]


@pytest.mark.parametrize(
    ("handler", "reason"),
    [
        (wrong_text, "expected '2. Eggs!', not '2. Spam!'"),
        (wrong_order, "expected '1. Spam?', not '2. Eggs!'"),
        (binary, "expected '1. Spam?', but a binary message came"),
        (closes_early, "expected '2. Eggs!', but the server closed with 4001: 'that is all'"),
        (drops, "expected '2. Eggs!', but the connection ended without a Close"),
        (talks_on, "expected a Close with 1000, but 'One more thing' came"),
        (closes_wrongly, "expected a Close with 1000, but the server closed with 1011"),
        (never_ends, "expected 'Hello!', but a message that is too long came"),
    ],
)
def test_what_is_wrong_with_a_server_is_counted(handler: Handler, reason: str) -> None:
    with serving(handler) as url:
        output, _, error = testecho(url, clients=4, rounds=1)
    assert error == "4 of 4 clients failed."
    assert all(reason in text for text in reasons(output))
    assert sum(reasons(output).values()) == 4


@contextmanager
def answering(answer: Callable[[bytes], bytes]) -> Iterator[str]:
    """Answer each request with raw bytes, made of its Sec-WebSocket-Key, and close."""

    def run() -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                connection, _ = listener.accept()
                with connection:
                    request = connection.recv(65536)
                    key = request.partition(b"Sec-WebSocket-Key: ")[2].partition(b"\r\n")[0]
                    connection.sendall(answer(key))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=run)
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT)


def switch(*headers: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 101 Switching Protocols", *headers, "", ""]).encode()


def accept(key: bytes) -> str:
    digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
    return f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda key: b"", "the connection ended without an answer to the handshake"),
        (lambda key: b"x" * 20_000, "the handshake was refused with xxx"),
        (lambda key: b"HTTP/1.1 503 Busy\r\n\r\n", "the handshake was refused with 503 Busy"),
        (lambda key: switch(accept(key)), "the 101 has no Upgrade: websocket"),
        (
            lambda key: switch("Upgrade: websocket", accept(b"other")),
            "the 101 has a wrong Sec-WebSocket-Accept",
        ),
        (
            lambda key: switch("upgrade: WebSocket", accept(key), "Sec-WebSocket-Protocol: a"),
            "the 101 has an extension or a subprotocol that was not offered",
        ),
        (
            lambda key: switch("Upgrade: websocket", accept(key)) + b"\x81\x02\xff\xff",
            "the server broke the protocol (close code 1007)",
        ),
        (
            lambda key: switch("Upgrade: websocket", accept(key)) + b"\x81\x06Hello!" * 20,
            "expected 'Hello!', but the server sent messages without being asked",
        ),
    ],
)
def test_what_is_wrong_with_a_handshake_is_counted(
    answer: Callable[[bytes], bytes], reason: str
) -> None:
    with answering(answer) as url:
        output, _, error = testecho(url, clients=3)
    assert error == "3 of 3 clients failed."
    assert all(reason in text for text in reasons(output))
    assert sum(reasons(output).values()) == 3


def test_a_view_that_forbids_and_one_that_never_speaks(live: LiveServer) -> None:
    urls = [page(live, "/ws/forbidden/"), page(live, "/ws/echo/"), page(live)]
    output, shown, error = testecho(*urls, clients=9, rounds=1, timeout=1)
    assert error == "6 of 9 clients failed."
    assert reasons(output) == {
        "expected 'Hello!', but the server closed with 4403: 'forbidden'": 3,
        "expected 'Hello!': nothing came in 1 s": 3,
    }
    assert re.search(r"^connected +3 of 9 .*\n^finished +3,.*\n^failed +6$", output, re.M)
    assert shown == "connecting: 9 of 9, 6 failed\nechoing: 3 of 3, 6 failed\n"


@override_settings(C10KWS={"CLOSE_REFUSED_HANDSHAKES": False})
def test_a_refusal_by_http(live: LiveServer) -> None:
    output, _, _ = testecho(page(live, "/ws/forbidden/"), clients=2)
    assert reasons(output) == {"the handshake was refused with 403 Forbidden": 2}


def test_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    output, _, error = testecho(f"ws://127.0.0.1:{port}/", clients=5, processes=2)
    assert error == "5 of 5 clients failed."
    assert reasons(output) == {"cannot connect: Connection refused": 5}
    assert re.search(r"^handshake +none$", output, re.M)
    if sys.platform == "linux":
        assert f"unknown: no process of this user listens on port {port}" in output


@pytest.mark.parametrize("url", ["wss://127.0.0.1/", "http://127.0.0.1/", "127.0.0.1:8000"])
def test_a_url_that_is_none(url: str) -> None:
    assert testecho(url)[2] == f"Expected a URL such as ws://127.0.0.1:8000/test/ws/, not {url!r}."
