"""Bodies that cannot be stored: a full disk, a missing folder."""

from __future__ import annotations

import errno
import logging
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from c10kws_tornado import Limits
from c10kws_tornado.http.output import NO_LINGER
from c10kws_tornado.http.uploads import Upload
from tests.support.logs import messages
from tests.support.peers import Client
from tests.support.servers import LiveServer
from tests.support.waiting import WAIT, eventually

Serve = Callable[..., LiveServer]
#: The limit of the server's file sizes: writing more fails as on a full disk.
FULL = 100_000
PROGRAM = f"""
import logging, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, ({FULL}, {FULL}))
from c10kws_tornado import Limits, bind, serve

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(environ["wsgi.input"].read())).encode()]

logging.basicConfig(level=logging.INFO, format="%(name)s %(message)s")
(sock,) = bind("127.0.0.1", 0)
print(sock.getsockname()[1], flush=True)
serve(application, sockets=[sock], limits=Limits(spool_size=1000), upload_dir=sys.argv[1])
"""


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A server, in its own process, that cannot write files of more than FULL bytes."""
    pytest.importorskip("resource", reason="Windows has no limit of file sizes")
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        yield process
        process.kill()


def post(client: Client, size: int) -> None:
    client.send(f"POST /upload HTTP/1.1\nHost: a\nContent-Length: {size}\n\n")
    client.send(bytes(size))


# The last bytes of the third size would stay in the file's buffer until the application reads.
@pytest.mark.parametrize("size", [3_000_000, FULL + 1, 65536 * 2 - 100])
def test_a_full_disk_is_507(full_disk: subprocess.Popen[str], tmp_path: Path, size: int) -> None:
    assert full_disk.stdout is not None
    assert full_disk.stderr is not None
    port = int(full_disk.stdout.readline())
    with Client(socket.create_connection(("127.0.0.1", port))) as client:
        post(client, size)
        response = client.read_response()
        assert (response.status, response["connection"]) == (507, "close")
        assert str(tmp_path).encode() not in response.body
        assert client.read_to_end() == b""
    with Client(socket.create_connection(("127.0.0.1", port))) as client:
        post(client, 50_000)
        assert client.read_response().body == b"50000"
    full_disk.terminate()
    lines = full_disk.stderr.read().splitlines()
    said = [line for line in lines if line.startswith("c10kws_tornado ")]
    assert said == [
        f"c10kws_tornado POST /upload HTTP/1.1: the body could not be stored in {tmp_path}: "
        "[Errno 27] File too large. Sent 507. Free some space there, or choose another folder "
        "(upload_dir)."
    ]
    assert any('"POST /upload HTTP/1.1" 507 ' in line for line in lines)


def read_all(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(len(environ["wsgi.input"].read())).encode()]


def test_a_folder_that_is_not_there_is_507(
    serve_as_is: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    live = serve_as_is(read_all, limits=Limits(spool_size=1000), upload_dir=folder)
    with live.client() as client:
        post(client, 5000)
        assert client.read_response().body == b"5000"
    shutil.rmtree(folder)
    with live.client() as client:
        client.send("POST /upload HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        client.send(b"1388\r\n" + bytes(5000) + b"\r\n0\r\n\r\n")
        assert client.read_response().status == 507
    with live.client() as client:
        post(client, 1000)
        assert client.read_response().body == b"1000"
    live.stop()
    (record,) = (
        each for each in caplog.records if each.levelno > logging.INFO and "stored" in each.message
    )
    assert f"could not be stored in {folder}: [Errno 2] No such file" in record.message


def test_a_body_without_a_free_descriptor_is_503(
    serve_as_is: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files", "/tmp/a")

    monkeypatch.setattr(tempfile, "TemporaryFile", fail)
    live = serve_as_is(read_all, limits=Limits(spool_size=1000))
    with live.client() as client:
        post(client, 5000)
        response = client.read_response()
        assert (response.status, response["retry-after"]) == (503, "1")
    live.stop()
    assert [each for each in messages(caplog, "c10kws_tornado") if "stored" in each] == [
        "POST /upload HTTP/1.1: the body could not be stored: Too many open files. Sent 503. "
        "Raise the limit (ulimit -n)."
    ]


def test_the_folder_of_the_system_is_the_default(serve_as_is: Serve) -> None:
    with serve_as_is(read_all, limits=Limits(spool_size=1000)).client() as client:
        post(client, 5000)
        assert client.read_response().body == b"5000"


# The memory for all bodies


def in_memory(live: LiveServer) -> int:
    """Return the bytes of all bodies that are in memory."""
    size: int = live.on_loop(lambda: live.server._resources.uploads.in_memory)
    return size


def test_all_bodies_together_are_bounded_in_memory(serve_as_is: Serve, tmp_path: Path) -> None:
    """A body without room in memory goes to disk, in order, and frees its memory."""
    size, parts = 80_000, [bytes([number]) * 20_000 for number in range(4)]

    def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [environ["wsgi.input"].read()]

    limits = Limits(total_spool_size=250_000)
    live = serve_as_is(echo, limits=limits, upload_dir=tmp_path)
    clients = [live.client() for _ in range(10)]
    for client in clients:
        client.send(f"POST / HTTP/1.1\nHost: a\nContent-Length: {size}\n\n")
    requests = live.server._resources.requests

    def wait_for_bytes(count: int) -> None:
        eventually(lambda: live.on_loop(lambda: sum(each._body.size for each in requests)) == count)

    for part in parts[:-1]:
        clients[0].send(part)
    wait_for_bytes(60_000)  # the first body fits into memory and stays there
    for part in parts[:-1]:
        for client in clients[1:]:
            client.send(part)
    wait_for_bytes(60_000 * len(clients))
    assert 60_000 <= in_memory(live) <= limits.total_spool_size
    for client in clients:
        client.send(parts[-1])
        assert client.read_response().body == b"".join(parts)
        client.close()
    eventually(lambda: in_memory(live) == 0)


@pytest.mark.parametrize("end", ["left", "refused", "malformed", "in a file"])
def test_a_body_gives_its_memory_back(serve_as_is: Serve, end: str) -> None:
    live = serve_as_is(read_all, limits=Limits(max_body_size=200_000, spool_size=90_000))
    with live.client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nTransfer-Encoding: chunked\n\n")
        client.send(b"c350\r\n" + bytes(50_000) + b"\r\n")
        eventually(lambda: in_memory(live) == 50_000)
        if end == "refused":
            client.send(b"30d40\r\n" + bytes(200_000))
            assert client.read_response().status == 413
        elif end == "malformed":
            client.send(b"none\r\n")
            assert client.read_response().status == 400
        elif end == "in a file":
            client.send(b"c350\r\n" + bytes(50_000) + b"\r\n")
            eventually(lambda: in_memory(live) == 0)
            client.send(b"0\r\n\r\n")
            assert client.read_response().body == b"100000"
    eventually(lambda: in_memory(live) == 0)
    live.stop()
    assert live.server._resources.uploads.in_memory == 0


def test_a_body_without_room_in_memory_and_on_disk_is_507(
    serve_as_is: Serve, tmp_path: Path
) -> None:
    folder = tmp_path / "uploads"
    folder.mkdir()
    live = serve_as_is(read_all, limits=Limits(total_spool_size=1000), upload_dir=folder)
    shutil.rmtree(folder)
    with live.client() as client:
        client.send("POST / HTTP/1.1\nHost: a\nContent-Length: 5000\n\n")
        client.send(bytes(900))
        eventually(lambda: in_memory(live) == 900)
        client.send(bytes(4100))
        assert client.read_response().status == 507
    eventually(lambda: in_memory(live) == 0)


def test_a_body_is_closed_after_a_piece_of_it_is_written(
    serve_as_is: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, may_write, closed = (threading.Event() for _ in range(3))
    store = Upload.store

    def wait_and_store(self: Upload, data: bytes) -> None:
        file, close = self._file, self._file.close
        monkeypatch.setattr(file, "close", lambda: (close(), closed.set()))
        writing.set()
        assert may_write.wait(WAIT)
        assert not closed.is_set()
        store(self, data)

    monkeypatch.setattr(Upload, "store", wait_and_store)
    live = serve_as_is(read_all, limits=Limits(spool_size=1000))
    with live.client() as client:
        client.send("POST /upload HTTP/1.1\nHost: a\nContent-Length: 9000\n\n" + "a" * 5000)
        assert writing.wait(WAIT)
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
    eventually(lambda: live.server.connections == live.server.requests == 0)
    live.on_loop(lambda: None)
    assert not closed.wait(0.05)
    may_write.set()
    assert closed.wait(WAIT)
