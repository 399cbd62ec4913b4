"""The server reads the bytes of connections, over sockets, whole or in pieces."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from c10kws_tornado import Limits, Server, bind
from tests.support.waiting import WAIT

from .outcome import Outcome, Request, request_environ

#: Connections at the same time.
BATCH = 250
#: Turns of the loop in which the server reads what was sent before.
TURNS = 3
#: The corpus contains requests over these limits.
LIMITS = Limits(max_head_size=8500, max_body_size=10_000)
Pieces = Sequence[bytes]


class Echo(asyncio.Protocol):
    """Sends back what a client sends after a 101."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(data)


class Switch(list[bytes]):
    """The response that switches to the protocol ``echo``."""

    def __init__(self, environ: dict[str, Any]) -> None:
        self._environ = environ

    def close(self) -> None:
        self._environ["c10kws.loop"].call_soon_threadsafe(self._start)

    def _start(self) -> None:
        if self._environ["c10kws.stream"].upgraded:
            self._environ["c10kws.stream"].attach(Echo)


class Recorder:
    """A WSGI application that keeps its requests; a response has the number of its request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        request = Request(request_environ(environ), environ["wsgi.input"].read())
        number = str(len(self.requests))
        self.requests.append(request)
        if request.upgrades:
            start_response("101 Switching Protocols", [("X-Request", number)])
            return Switch(environ)
        start_response("200 OK", [("Content-Length", "0"), ("X-Request", number)])
        return []


class Conversation:
    """A client's connection. It sends its pieces, one at each call of :meth:`send`."""

    def __init__(self, address: Any, pieces: Pieces) -> None:
        family = socket.AF_INET if isinstance(address, tuple) else socket.AF_UNIX
        self._socket = socket.socket(family)
        self._socket.connect(address)
        self._socket.setblocking(False)
        self._unsent = list(reversed(pieces))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)
        self.received = b""
        self.ended: asyncio.Future[None] = self._loop.create_future()
        #: True if the server had closed the connection before the client did.
        self.closed = False

    def send(self) -> bool:
        """Send the next piece; return False when nothing is left."""
        try:
            if self._unsent and (size := self._socket.send(self._unsent[-1])):
                rest = self._unsent.pop()[size:]
                self._unsent.extend([rest] if rest else [])
        except BlockingIOError:
            pass
        except OSError:  # the server has closed
            self._unsent.clear()
        return bool(self._unsent)

    def finish(self) -> None:
        """Close the client's half."""
        self.closed = self.ended.done()
        if not self.closed:
            with suppress(OSError):  # the server has closed
                self._socket.shutdown(socket.SHUT_WR)

    def _receive(self) -> None:
        try:
            data = self._socket.recv(65536)
        except ConnectionResetError:
            data = b""
        self.received += data
        if not data:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self.ended.set_result(None)


async def read_with_server(connections: Sequence[Pieces], folder: Path) -> list[Outcome]:
    """Return the outcome of each connection, whose bytes the server gets in these pieces."""
    recorder = Recorder()
    listen = listen_in(folder)
    server = Server(recorder, limits=LIMITS, threads=1)
    server.add_sockets([listen])
    server.start()
    outcomes: list[Outcome] = []
    try:
        for start in range(0, len(connections), BATCH):
            batch = connections[start : start + BATCH]
            for conversation in await converse(server, listen.getsockname(), batch):
                outcomes.append(outcome_of(conversation, recorder.requests))
    finally:
        await server.stop(timeout=1)
    assert sum(len(outcome.requests) for outcome in outcomes) == len(recorder.requests)
    return outcomes


def listen_in(folder: Path) -> socket.socket:
    """Return a listening unix socket, since TCP runs out of ports; elsewhere one of TCP."""
    if not hasattr(socket, "AF_UNIX"):
        return bind("127.0.0.1", 0)[0]
    listen = socket.socket(socket.AF_UNIX)
    listen.bind(str(folder / "s"))
    listen.listen(BATCH)
    return listen


async def converse(server: Server, address: Any, batch: Iterable[Pieces]) -> list[Conversation]:
    """Hold conversations at the same time, to their ends."""
    conversations = [Conversation(address, pieces) for pieces in batch]
    sending = conversations
    while sending:
        sending = [conversation for conversation in sending if conversation.send()]
        await turn()
    received = -1
    await turn(20)
    while received != (received := sum(len(each.received) for each in conversations)):
        # The server has one thread: when it has done this job, it has done all before.
        await asyncio.wrap_future(server.pool.submit(bool))
        await turn(20)
    for conversation in conversations:
        conversation.finish()
    async with asyncio.timeout(WAIT):
        for conversation in conversations:
            await conversation.ended
    return conversations


async def turn(turns: int = TURNS) -> None:
    """Let the server read what was sent."""
    for _ in range(turns):
        await asyncio.sleep(0)


def outcome_of(conversation: Conversation, requests: Sequence[Request]) -> Outcome:
    """Return the outcome of a conversation whose requests are among these."""
    received = conversation.received
    outcome, rest = Outcome(), received
    while rest:
        head, end, rest = rest.partition(b"\r\n\r\n")
        assert end, f"the response is truncated: {received!r}"
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        fields = dict(line.lower().split(": ", 1) for line in lines[1:])
        if "x-request" in fields:
            outcome.requests.append(requests[int(fields["x-request"])])
        if status == 101:
            outcome.upgraded, rest = rest, b""
        elif status >= 400:
            assert fields["connection"] == "close"
            assert len(rest) in (0, int(fields["content-length"])), "it sent more after a refusal"
            outcome.refusal, rest = status, b""
    outcome.closed = conversation.closed and outcome.refusal is None
    return outcome


def byte_by_byte(data: bytes, whole: int = 200) -> Pieces:
    """Return the bytes one by one; of long data only those at both ends."""
    if len(data) <= 2 * whole:
        return [data[i : i + 1] for i in range(len(data))]
    middle = data[whole:-whole]
    lumps = [middle[i : i + whole] for i in range(0, len(middle), whole)]
    return [*byte_by_byte(data[:whole]), *lumps, *byte_by_byte(data[-whole:])]


def cuts(data: bytes) -> list[Pieces]:
    """Return the bytes in two pieces, cut at each place next to a CR or LF."""
    places = {i + side for i, byte in enumerate(data) if byte in b"\r\n" for side in (0, 1)}
    return [[data[:place], data[place:]] for place in sorted(places) if 0 < place < len(data)]
