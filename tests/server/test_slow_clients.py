"""Clients that read slowly: their costs, and their end."""

from __future__ import annotations

import logging
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from c10kws_tornado import Limits
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.upgrades import REQUEST, Switch
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
TEXT = ("Content-Type", "text/plain")
MIB = 1024 * 1024
PART = bytes(range(256)) * (12 * 1024)
#: True if the kernel's send buffer of a client can be limited.
CAN_LIMIT_UNSENT = hasattr(socket, "TCP_NOTSENT_LOWAT")
#: Clients for a pool of two threads.
CLIENTS = 16


class ClosingList(list[bytes]):
    """A whole body that records the thread of its ``close()``."""

    def __init__(self, parts: list[bytes], closed: list[threading.Thread]) -> None:
        super().__init__(parts)
        self._closed = closed

    def close(self) -> None:
        self._closed.append(threading.current_thread())


class Response:
    """A body that declares itself whole, as Django's HttpResponse does."""

    streaming = False

    def __init__(self, *parts: bytes) -> None:
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)


def respond(make_body: Callable[[], Any], *headers: tuple[str, str]) -> Any:
    """Return an application with a body at /body, and a page at other paths."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/body":
            start_response("200 OK", [TEXT])
            return [b"page"]
        start_response("200 OK", [TEXT, *headers])
        return make_body()

    return application


class SlowReaders:
    """Clients that read at most 40 bytes each in a twentieth of a second, in a thread."""

    def __init__(self, live: LiveServer, count: int) -> None:
        self.clients = [live.client(receive_buffer=4096) for _ in range(count)]
        for client in self.clients:
            client.send("GET /body HTTP/1.1\nHost: a\n\n")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read)

    def __enter__(self) -> SlowReaders:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        for client in self.clients:
            client.close()

    def _read(self) -> None:
        while not self._stop.wait(0.05):
            for client in self.clients:
                client.trickle(40)


@pytest.mark.parametrize(
    ("make_body", "headers"),
    [
        (lambda: [PART], ()),
        (lambda: (PART, b"", PART), ()),
        (lambda: Response(b"a", PART, b"b"), ()),
        (lambda: iter([PART]), ()),
        (lambda: iter([PART, b"a"]), (("Content-Length", str(len(PART) + 1)),)),
    ],
    ids=["list", "tuple", "declared", "iterator of one", "iterator with a length"],
)
def test_a_body_that_is_whole_holds_no_thread(
    serve_as_is: Serve, make_body: Callable[[], Any], headers: Any
) -> None:
    live = serve_as_is(respond(make_body, *headers), threads=2)
    with SlowReaders(live, CLIENTS) as slow:
        for client in slow.clients:
            assert client.peek()
        with live.client() as other:
            assert [other.get("/").body for _ in range(3)] == [b"page"] * 3
    with live.client() as other:
        assert other.get("/body").body == b"".join(make_body())


def test_a_body_behind_the_validator_holds_no_thread(serve: Serve) -> None:
    """Wrappers of an application hide the kind of its result."""
    live = serve(respond(lambda: [PART]), threads=2)
    with SlowReaders(live, CLIENTS), live.client() as other:
        assert other.get("/").body == b"page"


def test_a_whole_body_is_closed_in_its_thread_before_it_is_sent(serve_as_is: Serve) -> None:
    """A client that reads slowly holds none of the application's resources."""
    called: list[threading.Thread] = []
    closed: list[threading.Thread] = []

    def make_body() -> ClosingList:
        called.append(threading.current_thread())
        return ClosingList([PART, PART], closed)

    live = serve_as_is(respond(make_body))
    with live.client(receive_buffer=4096) as client:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        eventually(lambda: bool(closed))
        assert live.on_loop(lambda: live.server.requests) == 1
        assert b"".join(iter(client.read_chunk, b"")) == PART * 2
    live.stop()
    assert closed == called


def test_short_parts_of_a_whole_body_are_joined(serve_as_is: Serve) -> None:
    """A write for each of them would block the loop."""
    parts = [b"%d," % number for number in range(100_000)]
    live = serve_as_is(respond(lambda: [*parts, PART, *parts]))
    with live.client() as client:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        chunks = list(iter(client.read_chunk, b""))
    assert b"".join(chunks) == b"".join(parts) + PART + b"".join(parts)
    assert len(chunks) < 500


def test_a_whole_body_that_is_too_short_is_500(serve_as_is: Serve) -> None:
    """The server detects it before it sends the head."""
    live = serve_as_is(respond(lambda: [b"ab", b"c"], ("Content-Length", "5")))
    with live.client() as client:
        assert [client.get("/body").status, client.get("/").status] == [500, 200]


def test_a_stalled_client_costs_no_second_copy(serve_as_is: Serve) -> None:
    body = bytes(50 * MIB)
    live = serve_as_is(respond(lambda: [body]))
    tracemalloc.start()
    try:
        with live.client(receive_buffer=4096) as client:
            client.send("GET /body HTTP/1.1\nHost: a\n\n")
            assert client.read_head().status == 200
            live.on_loop(lambda: None)
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


# The access line of a body that is sent after its thread was given back


def access_record(caplog: pytest.LogCaptureFixture) -> Any:
    name = "c10kws_tornado.access"
    eventually(lambda: any(each.name == name for each in caplog.records))
    (record,) = (each for each in caplog.records if each.name == name)
    return record


def test_the_access_line_comes_when_the_body_was_sent(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    closed: list[threading.Thread] = []
    live = serve_as_is(respond(lambda: ClosingList([PART], closed)))
    with live.client(receive_buffer=4096) as client:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        eventually(lambda: bool(closed))
        assert caplog.records == []
        assert b"".join(iter(client.read_chunk, b"")) == PART
        assert access_record(caplog).size == len(PART)


def test_the_access_line_of_a_client_that_left_has_what_was_sent(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado.access")
    live = serve_as_is(respond(lambda: [bytes(50 * MIB)]))
    with live.client(receive_buffer=4096) as client:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        client.read_exactly(2048)
        threading.Event().wait(0.3)  # long enough for the kernel to fill its buffers
    # Without a limit, the kernel's buffer would take 4 MiB.
    assert 2048 < access_record(caplog).size < (MIB if CAN_LIMIT_UNSENT else 50 * MIB)


@pytest.mark.skipif(not CAN_LIMIT_UNSENT, reason="the kernel has no such limit")
def test_a_websocket_after_a_long_body_has_all_of_the_kernels_buffer(serve_as_is: Serve) -> None:
    """Bytes that the kernel takes do not count against the limits of a WebSocket."""
    switch = Switch()
    page = respond(lambda: [PART])

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        return (switch if "HTTP_UPGRADE" in environ else page)(environ, start_response)

    with serve_as_is(application).client() as client:
        assert client.get("/body").body == PART
        client.send(REQUEST)
        assert client.read_head().status == 101
        eventually(lambda: bool(switch.protocols and switch.protocols[0].events))
        sock = switch.protocols[0].transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == 0


# The minimum rate

#: More in half a second than a client reads that reads 40 bytes in a twentieth of a second.
FAST = Limits(send_timeout=0.5, min_send_rate=10 * MIB)


class Endless:
    """A body without an end, which records when it is closed."""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        while True:
            yield bytes(64 * 1024)

    def close(self) -> None:
        self.closed.set()


def test_an_iterator_gets_its_thread_back_from_a_trickling_reader(
    serve_as_is: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado")
    body = Endless()
    live = serve_as_is(respond(lambda: body), threads=1, limits=FAST)
    with live.client(receive_buffer=65536) as client:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        while not body.closed.wait(0.02):
            client.trickle(4096)
        with live.client() as other:
            assert other.get("/").body == b"page"
    live.stop()
    assert live.server.slow_clients == 1
    assert "GET /body HTTP/1.1: closed a slow client: it read" in caplog.text


@pytest.mark.parametrize("make_body", [lambda: [bytes(50 * MIB)], lambda: iter([bytes(50 * MIB)])])
def test_a_trickling_reader_of_a_whole_body_is_disconnected(
    serve_as_is: Serve, make_body: Callable[[], Any]
) -> None:
    live = serve_as_is(respond(make_body), limits=FAST)
    with live.client(receive_buffer=65536) as client:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        pause = threading.Event()
        while live.server.slow_clients == 0:
            client.trickle(4096)
            pause.wait(0.02)
        with pytest.raises(ConnectionResetError):  # its data does not stay in the kernel
            while client.socket.recv(65536):
                pass


def test_the_rate_counts_only_while_data_waits(serve_as_is: Serve) -> None:
    """An event stream may send little."""

    def events() -> Iterator[bytes]:
        pause = threading.Event()
        for number in range(6):
            yield b"%d" % number
            pause.wait(0.05)

    limits = Limits(send_timeout=0.05, min_send_rate=100 * MIB)
    live = serve_as_is(respond(events), limits=limits)
    with live.client() as client:
        assert client.get("/body").body == b"012345"
    assert live.server.slow_clients == 0


# The limit of all unsent data

BODY = 3 * MIB


def make_body() -> list[bytes]:
    """Return a body that is in memory for its client alone."""
    return [bytes(BODY)]


def ask(live: LiveServer, count: int) -> list[Client]:
    """Connect clients that ask for a body, and read none of it."""
    clients = [live.client(receive_buffer=4096) for _ in range(count)]
    for client in clients:
        client.send("GET /body HTTP/1.1\nHost: a\n\n")
        assert client.peek()
    return clients


def waiting(live: LiveServer) -> int:
    """Return the unsent bytes of all clients."""
    size: int = live.on_loop(lambda: live.server._resources.send_buffers.size)
    return size


def test_all_that_waits_is_bounded(serve_as_is: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """Clients that read nothing are disconnected before memory exceeds the limit."""
    caplog.set_level(logging.WARNING, "c10kws_tornado")
    limit = 16 * MIB
    live = serve_as_is(respond(make_body), limits=Limits(max_total_send_bytes=limit))
    clients: list[Client] = []
    for _ in range(12):
        clients += ask(live, 1)
        assert waiting(live) <= limit + BODY
        with live.client() as other:
            assert len(other.get("/body").body) == BODY
    assert live.server.slow_clients >= 6
    assert waiting(live) > 0
    for client in clients:
        client.close()
    eventually(lambda: waiting(live) == 0)
    eventually(lambda: "slow clients: the unsent responses" in caplog.text)


def test_a_client_that_reads_is_not_disconnected_for_others(serve_as_is: Serve) -> None:
    """Even if more of its data is unsent, and for a longer time."""
    body = bytes(20 * MIB)

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT])
        return [body] if environ["PATH_INFO"] == "/long" else make_body()

    live = serve_as_is(application, limits=Limits(max_total_send_bytes=16 * MIB))
    with live.client() as reader:
        reader.send("GET /long HTTP/1.1\nHost: a\n\n")
        assert reader.read_head().status == 200
        received = 0
        clients: list[Client] = []
        while chunk := reader.read_chunk():
            received += len(chunk)
            if received > len(clients) * MIB:
                clients += ask(live, 1)
    assert received == len(body)
    assert live.server.slow_clients >= 3
    for client in clients:
        client.close()


def test_a_body_above_the_bound_is_sent(serve_as_is: Serve) -> None:
    """A body over the limit is sent: disconnecting its client, or others, would not help."""
    live = serve_as_is(respond(make_body), limits=Limits(max_total_send_bytes=MIB))
    (slow,) = ask(live, 1)
    with live.client() as other:
        assert other.get("/").body == b"page"
    with slow:
        assert slow.read_head().status == 200
        assert sum(map(len, iter(slow.read_chunk, b""))) == BODY
    assert live.server.slow_clients == 0


def test_many_downloads_of_a_file_share_the_memory(serve_as_is: Serve, tmp_path: Path) -> None:
    """Less of each file is read at a time, and no download is aborted."""
    path = tmp_path / "file"
    path.write_bytes(bytes(BODY))

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [TEXT])
        return environ["wsgi.file_wrapper"](path.open("rb"))

    limit = 2 * MIB
    # They read one after another.
    limits = Limits(max_total_send_bytes=limit, send_timeout=10 * WAIT)
    live = serve_as_is(application, limits=limits)
    clients = ask(live, 30)
    for client in clients[10:]:
        client.close()
    assert waiting(live) <= limit
    for client in clients[:10]:
        assert client.read_head().status == 200
        assert sum(map(len, iter(client.read_chunk, b""))) == BODY
        client.close()
    assert live.server.slow_clients == 0
