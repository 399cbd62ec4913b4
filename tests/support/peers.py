"""Clients that do what no client library allows: raw sockets that speak frames or HTTP."""

from __future__ import annotations

import base64
import os
import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import pytest
from websockets.exceptions import ConnectionClosed

from .frames import CLOSE, FIN
from .waiting import WAIT

#: A header that offers compression.
OFFER = "Sec-WebSocket-Extensions: permessage-deflate"
#: A handshake as WSGI has it, for Django's test client.
HANDSHAKE = {
    "SERVER_PROTOCOL": "HTTP/1.1",
    "HTTP_UPGRADE": "websocket",
    "HTTP_CONNECTION": "Upgrade",
    "HTTP_SEC_WEBSOCKET_KEY": "dGhlIHNhbXBsZSBub25jZQ==",
    "HTTP_SEC_WEBSOCKET_VERSION": "13",
}


class Served(Protocol):
    """A server on a port of 127.0.0.1."""

    port: int


class Peer:
    """A raw socket with a buffer; it speaks frames and nothing by itself."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.buffer = b""

    def read(self, size: int) -> bytes:
        while len(self.buffer) < size:
            data = self.socket.recv(65536)
            assert data, f"the server closed; {self.buffer!r} was left"
            self.buffer += data
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_head(self) -> bytes:
        while b"\r\n\r\n" not in self.buffer:
            data = self.socket.recv(65536)
            assert data, f"the server closed; {self.buffer!r} was left"
            self.buffer += data
        head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        return head

    def read_frame(self) -> tuple[int, bytes]:
        first, size = self.read(2)
        if size == 126:
            size = int.from_bytes(self.read(2), "big")
        elif size == 127:
            size = int.from_bytes(self.read(8), "big")
        return first & 0x0F, self.read(size)

    def read_to_end(self) -> bytes:
        while data := self.socket.recv(65536):
            self.buffer += data
        return self.buffer


def handshake(path: str, *extra: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *extra,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@contextmanager
def opened(live: Served, path: str, early: bytes = b"") -> Iterator[Peer]:
    with socket.create_connection(("127.0.0.1", live.port), WAIT) as connection:
        connection.sendall(handshake(path) + early)
        peer = Peer(connection)
        assert peer.read_head().startswith(b"HTTP/1.1 101 ")
        yield peer


@contextmanager
def opened_with(live: Served, path: str, *headers: str) -> Iterator[Peer]:
    """Open a connection whose handshake has more headers."""
    with socket.create_connection(("127.0.0.1", live.port), WAIT) as connection:
        connection.sendall(handshake(path, *headers))
        peer = Peer(connection)
        assert peer.read_head().startswith(b"HTTP/1.1 101 ")
        yield peer


def read_raw(peer: Peer) -> tuple[int, bytes]:
    """Return the first byte of a frame, with FIN and the reserved bits, and its payload."""
    (first,) = peer.read(1)
    peer.buffer = bytes([first]) + peer.buffer
    return first, peer.read_frame()[1]


def read_all(peer: Peer) -> list[tuple[int, bytes]]:
    """Read frames up to the Close, which is the last."""
    frames = [read_raw(peer)]
    while frames[-1][0] != FIN | CLOSE:
        frames.append(read_raw(peer))
    return frames


def closed_with(connection: Any) -> tuple[int, str]:
    """Read to the end and return the code and reason of the server's Close."""
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            connection.recv(WAIT)
    return _code_and_reason(closed.value)


def closed_next(connection: Any) -> tuple[int, str]:
    """Return the code and reason of the server's Close, which must arrive next."""
    with pytest.raises(ConnectionClosed) as closed:
        connection.recv(WAIT)
    return _code_and_reason(closed.value)


def _code_and_reason(closed: ConnectionClosed) -> tuple[int, str]:
    assert closed.rcvd is not None
    return closed.rcvd.code, closed.rcvd.reason


@dataclass
class Response:
    """What came back; ``headers`` in order, with names in lower case."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def __getitem__(self, name: str) -> str | None:
        """Return the only header of this name."""
        values = self.all(name)
        assert len(values) < 2, values
        return values[0] if values else None


class Client:
    """A connection whose bytes are sent and read as they are."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self.socket.settimeout(WAIT)
        self._buffer = bytearray()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes | str) -> None:
        """Send bytes, or text with its line ends made CRLF."""
        if isinstance(data, str):
            data = re.sub(r"\r?\n", "\r\n", data).encode("latin-1")
        self.socket.sendall(data)

    def get(self, path: str = "/", *headers: str, method: str = "GET") -> Response:
        self.send("\n".join((f"{method} {path} HTTP/1.1", "Host: testserver", *headers, "", "")))
        return self.read_response(method)

    def read_response(self, method: str = "GET") -> Response:
        """Read one response; the body as RFC 9112 §6.3 finds its length."""
        response = self.read_head()
        if method == "HEAD" or response.status in (101, 204, 304):
            return response
        if response["transfer-encoding"] == "chunked":
            response.body = b"".join(iter(self.read_chunk, b""))
        elif (length := response["content-length"]) is not None:
            response.body = self.read_exactly(int(length))
        else:
            response.body = self.read_to_end()
        return response

    def read_head(self) -> Response:
        head = self.read_until(b"\r\n\r\n").decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        version, status, *reason = first.split(" ", 2)
        assert version == "HTTP/1.1"
        headers = [line.split(": ", 1) for line in lines]
        return Response(
            int(status), "".join(reason), [(name.lower(), value) for name, value in headers]
        )

    def read_chunk(self) -> bytes:
        """Read one chunk of a chunked body; the last one is empty."""
        data = self.read_exactly(int(self.read_until(b"\r\n"), 16))
        assert self.read_exactly(2) == b"\r\n"
        return data

    def read_until(self, end: bytes) -> bytes:
        while (position := self._buffer.find(end)) < 0:
            self._receive()
        return self._take(position + len(end))

    def read_exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._receive()
        return self._take(size)

    def read_to_end(self) -> bytes:
        """Read until the server closes, or resets."""
        try:
            while True:
                self._receive()
        except (EOFError, ConnectionResetError):
            return self._take(len(self._buffer))

    def peek(self) -> bytes:
        """Wait for the first bytes and leave them to be read."""
        return self.socket.recv(1, socket.MSG_PEEK)

    def trickle(self, size: int) -> None:
        """Read at most this many bytes if there are any, and keep them for the other methods."""
        self.socket.settimeout(0)
        with suppress(BlockingIOError, ConnectionError):
            self._buffer += self.socket.recv(size)
        self.socket.settimeout(WAIT)

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _receive(self) -> None:
        if not (data := self.socket.recv(65536)):
            raise EOFError(f"expected more than {bytes(self._buffer[-1000:])!r}")
        self._buffer += data


def connect(port: int) -> Client:
    """Connect to a port of 127.0.0.1."""
    return Client(socket.create_connection(("127.0.0.1", port)))


def wrap_tls(client: Client, context: ssl.SSLContext) -> Client:
    """Return a client that speaks TLS on the same connection."""
    return Client(context.wrap_socket(client.socket, server_hostname="localhost"))
