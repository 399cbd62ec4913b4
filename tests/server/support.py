"""A live server in a thread of this process, and a client that sees every byte."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from c10kws_tornado import Server, bind

#: Only a bound for what fails; nothing waits so long when it works.
PATIENCE = 60.0


class LiveServer:
    """``Server`` on a loop in a thread of its own, on a free port of 127.0.0.1."""

    def __init__(
        self,
        application: Any,
        *,
        make_loop: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
        listen: socket.socket | None = None,
        **options: Any,
    ) -> None:
        self._application = application
        self._options = options
        self._make_loop = make_loop
        self._ready = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="live-server")
        self.socket = listen or bind("127.0.0.1", 0)[0]
        self.port: int = self.socket.getsockname()[1] if listen is None else 0
        self.errors: list[dict[str, Any]] = []
        self.loop: asyncio.AbstractEventLoop
        self.server: Server

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(PATIENCE)

    def stop(self, code: int = 1001, timeout: float = 5.0) -> None:
        """Stop from outside; the second time nothing happens. Nothing on the loop may have failed.

        A pool thread that hangs must not hold this: that is for a test of its own.
        """
        if not self._stopping:
            self.begin_stop(code, timeout)
        self.wait_stopped()

    def begin_stop(self, code: int = 1001, timeout: float = PATIENCE) -> None:
        """Begin to stop, and return when the server no longer listens."""
        self._stopping = True
        self.loop.call_soon_threadsafe(self._stop.set_result, (code, timeout))
        wait_for(lambda: self.socket.fileno() < 0)

    def wait_stopped(self) -> None:
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()
        assert self.errors == []

    def connect(self, receive_buffer: int | None = None) -> Client:
        """Connect a client; a small receive buffer lets the server see how slowly it reads."""
        address = "127.0.0.1", self.port
        if receive_buffer is None:
            return Client(socket.create_connection(address))
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect(address)
        return Client(sock)

    def wait_until_left(self) -> None:
        """Return when the server knows that no client sends anything more."""
        connections = self.server._connections._running
        wait_for(lambda: all(each.stream.half_closed for each in list(connections)))

    def on_loop(self, function: Callable[[], Any]) -> Any:
        """Call a function on the loop's thread and return its result."""

        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(PATIENCE)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._make_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self._stop: asyncio.Future[tuple[int, float]] = self.loop.create_future()
        self.server = Server(self._application, **self._options)
        self.server.add_sockets([self.socket])
        self.server.start()
        self._ready.set()
        code, timeout = await self._stop
        await self.server.stop(code, timeout=timeout)


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
        self.socket.settimeout(PATIENCE)
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
        self.socket.settimeout(PATIENCE)

    def _take(self, size: int) -> bytes:
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def _receive(self) -> None:
        if not (data := self.socket.recv(65536)):
            raise EOFError(f"expected more than {bytes(self._buffer[-1000:])!r}")
        self._buffer += data


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event."""
    pause = threading.Event()
    for _ in range(int(PATIENCE * 100)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come")


def wrap_tls(client: Client, context: ssl.SSLContext) -> Client:
    """Return a client that speaks TLS on the same connection."""
    return Client(context.wrap_socket(client.socket, server_hostname="localhost"))
