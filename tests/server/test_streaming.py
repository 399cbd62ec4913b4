"""Streaming: chunks, clients that are slow, do not read or have disconnected, and files."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from c10kws_tornado import Limits
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
TEXT = ("Content-Type", "text/plain")
CHUNK = bytes(64 * 1024)


class Body:
    """A body that counts its chunks, and records its threads and its end."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.given = 0
        self.closed = threading.Event()
        self.times_closed = 0
        self.threads = {threading.current_thread()}

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.threads.add(threading.current_thread())
            self.given += len(chunk)
            yield chunk

    def close(self) -> None:
        self.threads.add(threading.current_thread())
        self.times_closed += 1
        self.closed.set()


def endless() -> Iterator[bytes]:
    while True:
        yield CHUNK


def small_page(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [TEXT])
    return [b"page"]


def streaming(make_chunks: Callable[[], Iterator[bytes]], bodies: list[Body]) -> Any:
    """Return an application with a body at /stream, which it adds to ``bodies``."""

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/stream":
            return small_page(environ, start_response)
        start_response("200 OK", [TEXT])
        body = Body(make_chunks())
        bodies.append(body)
        return body

    return application


def test_a_chunk_goes_out_when_it_is_yielded(serve: Serve) -> None:
    seen = threading.Event()
    bodies: list[Body] = []

    def chunks() -> Iterator[bytes]:
        yield b"first"
        assert seen.wait(WAIT)
        yield b"second"

    live = serve(streaming(chunks, bodies))
    with live.client() as client:
        client.send("GET /stream HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        assert client.read_chunk() == b"first"
        seen.set()
        assert client.read_chunk() == b"second"
        assert client.read_chunk() == b""
    live.stop()
    (body,) = bodies
    assert body.times_closed == 1
    assert len(body.threads) == 1  # called, iterated and closed in one


def test_write_goes_out_at_once(serve: Serve) -> None:
    seen = threading.Event()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        write = start_response("200 OK", [TEXT])
        write(b"first")
        assert seen.wait(WAIT)
        return [b"second"]

    with serve(application).client() as client:
        client.send("GET / HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        assert client.read_chunk() == b"first"
        seen.set()
        assert client.read_chunk() == b"second"


def test_a_slow_client_holds_back_the_iterable(serve: Serve) -> None:
    """The body is 64 MiB; the server and the kernel limit the unsent data."""
    size = 64 * 1024 * 1024
    bodies: list[Body] = []
    live = serve(streaming(lambda: iter([CHUNK] * (size // len(CHUNK))), bodies))
    with live.client() as client:
        client.send("GET /stream HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        (body,) = bodies
        wait_until_still(body)
        assert body.given < size / 2
        received = 0
        while chunk := client.read_chunk():
            received += len(chunk)
        assert received == size
    assert body.closed.wait(WAIT)


def wait_until_still(body: Body) -> None:
    """Wait until no chunk of the body was requested for a while."""
    pause = threading.Event()
    given = -1
    while given != body.given:
        given = body.given
        pause.wait(0.5)


def test_a_client_that_reads_a_little_is_not_aborted(serve: Serve) -> None:
    """The kernel asks for more when a third of its buffer is free: that takes longer than allowed.

    Nothing is so slow that the client reads nothing for three seconds.
    """
    bodies: list[Body] = []
    size = 16 * 1024 * 1024
    limits = Limits(send_timeout=3.0)
    live = serve(streaming(lambda: iter([CHUNK] * (size // len(CHUNK))), bodies), limits=limits)
    with live.client() as client:
        client.send("GET /stream HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        received, pause = 0, threading.Event()
        while chunk := client.read_chunk():
            received += len(chunk)
            if received < size / 12:
                pause.wait(0.1)
        assert received == size


def test_a_client_that_reads_nothing_is_aborted(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "c10kws_tornado")
    bodies: list[Body] = []
    live = serve(streaming(endless, bodies), limits=Limits(send_timeout=0.5))
    with live.client() as client:
        client.send("GET /stream HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        (body,) = bodies
        assert body.closed.wait(WAIT)
        assert not client.read_to_end().endswith(b"0\r\n\r\n")
    live.stop()
    assert body.times_closed == 1
    assert "closed a slow client: it read 0 bytes in 0.5 s" in caplog.text


def test_pages_answer_with_twice_the_pools_size_of_deaf_clients(serve: Serve) -> None:
    bodies: list[Body] = []
    live = serve(streaming(endless, bodies), threads=3, limits=Limits(send_timeout=0.5))
    clients = [live.client() for _ in range(6)]
    for client in clients:
        client.send("GET /stream HTTP/1.1\nHost: a\n\n")
    with live.client() as client:
        assert client.get("/").body == b"page"
    for client in clients:
        client.close()
    live.stop()
    assert all(body.times_closed == 1 for body in bodies)


def test_a_client_that_leaves_ends_the_iteration(serve: Serve) -> None:
    bodies: list[Body] = []
    live = serve(streaming(endless, bodies))
    with live.client() as client:
        client.send("GET /stream HTTP/1.1\nHost: a\n\n")
        client.read_exactly(100_000)
    (body,) = bodies
    assert body.closed.wait(WAIT)
    live.stop()
    assert body.times_closed == 1
    assert len(body.threads) == 1


def test_a_body_that_raises_in_close(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    class Unclosable(list[bytes]):
        def close(self) -> None:
            raise LookupError("in close")

    def application(environ: dict[str, Any], start_response: Any) -> Unclosable:
        start_response("200 OK", [TEXT])
        return Unclosable([b"a"])

    live = serve(application)
    with live.client() as client:
        assert [client.get().body for _ in range(2)] == [b"a", b"a"]
    live.stop()
    assert "LookupError: in close" in caplog.text


# wsgi.file_wrapper


@pytest.fixture
def big_file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (32 * 4096))  # 32 MiB
    return path


class Files:
    """An application that sends a file, and records its close."""

    def __init__(self, path: Path, *headers: tuple[str, str]) -> None:
        self._path = path
        self._headers = headers
        self.opened: list[Any] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] != "/file":
            return small_page(environ, start_response)
        start_response("200 OK", [TEXT, *self._headers])
        file = self._path.open("rb")
        self.opened.append(file)
        return environ["wsgi.file_wrapper"](file, 4096)


@pytest.mark.parametrize("headers", [(), (("Content-Length", str(2**25)),)])
def test_a_file(serve_as_is: Serve, big_file: Path, headers: Any) -> None:
    application = Files(big_file, *headers)
    live = serve_as_is(application)
    with live.client() as client:
        for _ in range(2):
            assert client.get("/file").body == big_file.read_bytes()
    live.stop()
    assert all(file.closed for file in application.opened)


def test_a_file_behind_the_validator(serve: Serve, big_file: Path) -> None:
    """It hides the wrapper, which is then an ordinary iterable."""
    application = Files(big_file)
    live = serve(application)
    with live.client() as client:
        assert client.get("/file").body == big_file.read_bytes()
    live.stop()
    assert application.opened[0].closed


def test_a_file_longer_than_its_content_length(serve_as_is: Serve, big_file: Path) -> None:
    live = serve_as_is(Files(big_file, ("Content-Length", "300000")))
    with live.client() as client:
        for _ in range(2):
            assert client.get("/file").body == big_file.read_bytes()[:300_000]


def test_head_of_a_file(serve_as_is: Serve, big_file: Path) -> None:
    application = Files(big_file, ("Content-Length", str(2**25)))
    live = serve_as_is(application)
    with live.client() as client:
        for _ in range(2):
            assert client.get("/file", method="HEAD")["content-length"] == str(2**25)
    live.stop()
    assert all(file.closed for file in application.opened)


def test_files_hold_no_thread(serve_as_is: Serve, big_file: Path) -> None:
    application = Files(big_file)
    live = serve_as_is(application, threads=2)
    clients = [live.client() for _ in range(10)]
    for client in clients:
        client.send("GET /file HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
    with live.client() as client:
        assert client.get().body == b"page"
    for client in clients:
        client.close()  # some have not read a byte of the body
    live.stop()
    assert all(file.closed for file in application.opened)


def test_a_deaf_client_of_a_file_is_aborted(serve_as_is: Serve, big_file: Path) -> None:
    application = Files(big_file)
    live = serve_as_is(application, limits=Limits(send_timeout=0.5))
    with live.client() as client:
        client.send("GET /file HTTP/1.1\nHost: a\n\n")
        assert client.read_head().status == 200
        eventually(lambda: application.opened[0].closed)
        assert not client.read_to_end().endswith(b"0\r\n\r\n")
