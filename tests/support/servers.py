"""A live server in a thread of this process, and what it runs."""

from __future__ import annotations

import asyncio
import re
import socket
import subprocess
import threading
from collections.abc import Callable
from typing import IO, Any

from websockets.sync.client import ClientConnection, connect

from c10kws_tornado import Server, bind

from .peers import Client, Response
from .peers import connect as connect_to
from .waiting import WAIT, eventually

ADDRESS = "127.0.0.1"


class LiveServer:
    """``Server`` on a loop in a thread of its own, on a free port of 127.0.0.1."""

    def __init__(
        self,
        application: Any,
        *,
        loop_factory: Callable[[], asyncio.AbstractEventLoop] = asyncio.new_event_loop,
        listen: socket.socket | None = None,
        **options: Any,
    ) -> None:
        self._application = application
        self._options = options
        self._loop_factory = loop_factory
        self._ready = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="live-server")
        self.socket = listen or bind(ADDRESS, 0)[0]
        self.port: int = self.socket.getsockname()[1] if listen is None else 0
        #: What the loop's exception handler was called with.
        self.errors: list[dict[str, Any]] = []
        self.loop: asyncio.AbstractEventLoop
        self.server: Server

    def start(self) -> None:
        """Return when it serves."""
        self._thread.start()
        assert self._ready.wait(WAIT)

    def stop(self, code: int = 1001, timeout: float = 5.0) -> None:
        """Stop it from outside, as a signal would, and wait for the end; again it does nothing.

        Threads of the pool may still run: a job that hangs must not hang the tests.
        """
        if not self._stopping:
            self.begin_stop(code, timeout)
        self.wait_stopped()

    def begin_stop(self, code: int = 1001, timeout: float = WAIT) -> None:
        """Begin to stop, and return when the server closes connections after their requests."""
        self._stopping = True
        self.loop.call_soon_threadsafe(self._stop.set_result, (code, timeout))
        eventually(lambda: self.server._resources.stopping)

    def wait_stopped(self) -> None:
        """Wait for the end of a stop that has begun."""
        self._thread.join(WAIT)
        assert not self._thread.is_alive()

    def connect(self, path: str, **options: Any) -> ClientConnection:
        """Connect a WebSocket client. It sends no Pings, since slow tests would not see Pongs."""
        defaults = {"open_timeout": WAIT, "ping_interval": None}
        defaults |= {"proxy": None, "compression": None}
        return connect(f"ws://{ADDRESS}:{self.port}{path}", **(defaults | options))

    def client(self, receive_buffer: int | None = None) -> Client:
        """Connect a client of HTTP; a small receive buffer shows the server how slowly it reads."""
        if receive_buffer is None:
            return connect_to(self.port)
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.connect((ADDRESS, self.port))
        return Client(sock)

    def wait_until_left(self) -> None:
        """Return when the server knows that no client sends anything more."""
        connections = self.server._connections._running
        eventually(lambda: all(each.half_closed for each in list(connections)))

    def on_loop(self, function: Callable[[], Any]) -> Any:
        """Call a function on the loop's thread and return its result."""

        async def call() -> Any:
            return function()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(WAIT)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.loop.set_exception_handler(self._note_error)
        self._stop: asyncio.Future[tuple[int, float]] = self.loop.create_future()
        self.server = Server(self._application, **self._options)
        self.server.add_sockets([self.socket])
        self.server.start()
        self._ready.set()
        code, timeout = await self._stop
        await self.server.stop(code, timeout=timeout)

    def _note_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.errors.append(context)
        loop.default_exception_handler(context)


def get(live: LiveServer, method: str = "GET") -> Response:
    """Request ``/`` on a new connection."""
    with live.client() as client:
        return client.get("/", method=method)


def server_threads() -> set[threading.Thread]:
    """Return the threads of all pools in this process; those of earlier tests may still hang."""
    threads = threading.enumerate()
    return {thread for thread in threads if re.fullmatch(r"c10kws\b.*-\d+", thread.name)}


def port_of(process: subprocess.Popen[str]) -> int:
    """Return the port that ``python -m c10kws_tornado`` names in its first line."""
    assert process.stdout is not None
    return int(read_line(process.stdout).split(":")[2].split("/")[0])


def read_line(output: IO[str]) -> str:
    """Read a line of a command that has not ended."""
    line = output.readline()
    assert line, "the command ended"
    return line
