"""One connection of the load test: 20,000 fit into a process, and each checks every answer."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import sys
from asyncio import Future, Transport
from base64 import b64encode
from collections.abc import Callable
from typing import Any, cast

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Message, Ping, TextMessage

from .client_handshake import MAX_HEAD, find_fault, make_request
from .plan import Seat

#: ``IP_BIND_ADDRESS_NO_PORT`` of Linux, which Python names from 3.12 on. The port is chosen when
#: the other end is known, so that connections to different ports may share it.
BIND_ADDRESS_NO_PORT = 24
#: Limit of unread messages: the server sends only answers, so more are an error.
MAX_MESSAGES = 16
#: Limit of characters in a message; the talk has a dozen.
MAX_MESSAGE = 16 * 1024
#: Characters of an unexpected message that are shown.
SHOWN = 60
HINTS = {
    errno.EADDRNOTAVAIL: "no source address or port is left (sysctl net.ipv4.ip_local_port_range)",
    errno.EMFILE: "this client process is out of file descriptors (ulimit -n)",
}


class Failed(Exception):
    """The client did not get what it expected. Clients with the same reason have the same text."""


class EchoClient(asyncio.Protocol):
    """A connection to the test page. Each wait has a timeout."""

    __slots__ = (
        "_end",
        "_frames",
        "_head",
        "_key",
        "_messages",
        "_part",
        "_timeout",
        "_transport",
        "_waiter",
    )

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._key = b64encode(os.urandom(16))
        self._head = b""
        self._frames: Connection | None = None
        self._messages: list[str] = []
        self._part = ""
        #: The reason why the connection has ended.
        self._end: str | None = None
        self._waiter: Future[None] | None = None
        self._transport: Transport | None = None

    # Called by the crowd; raises Failed

    async def open(self, seat: Seat) -> None:
        """Connect and perform the opening handshake."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect(seat)
        except TimeoutError:
            raise Failed(f"no TCP connection within {self._timeout:g} s") from None
        except OSError as error:
            raise Failed(f"cannot connect: {describe(error)}") from error
        self._write(make_request(seat.target, self._key))
        await self._wait("an answer to the handshake", lambda: self._frames or self._end)
        if self._frames is None:
            raise Failed(str(self._end))

    async def expect(self, text: str) -> None:
        """Wait for the next message and compare it with ``text``."""
        await self._wait(repr(text), lambda: self._messages or self._end)
        if not self._messages:
            raise Failed(f"expected {text!r}, but {self._end}")
        if (message := self._messages.pop(0)) != text:
            raise Failed(f"expected {text!r}, not {shorten(message)}")

    def send(self, text: str) -> None:
        """Send a message."""
        assert self._frames is not None
        if self._end is None:
            self._write(self._frames.send(TextMessage(text)))

    async def expect_close(self, code: int) -> None:
        """Wait until the server has sent its Close and closed TCP (RFC 6455 §7.1.1)."""
        await self._wait(f"a Close with {code}", lambda: self._end)
        if self._messages or self._end != closed_with(code):
            got = f"{shorten(self._messages[0])} came" if self._messages else self._end
            raise Failed(f"expected a Close with {code}, but {got}")
        await self._wait("the end of TCP after the Close", lambda: self._transport is None)

    def abort(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    # Waiting

    async def _wait(self, expected: str, is_there: Callable[[], object]) -> None:
        """Wait until ``is_there()``; other data, such as Pings, does not extend the timeout."""
        try:
            async with asyncio.timeout(self._timeout):
                while not is_there():
                    self._waiter = asyncio.get_running_loop().create_future()
                    await self._waiter
        except TimeoutError:
            raise Failed(f"expected {expected}: nothing came in {self._timeout:g} s") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The wire

    async def _connect(self, seat: Seat) -> None:
        loop = asyncio.get_running_loop()
        sock = make_socket(seat)
        try:
            await loop.sock_connect(sock, seat.target.address)
            await loop.create_connection(lambda: self, sock=sock)
        except BaseException:
            sock.close()
            raise

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast(Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self._transport = None
        if self._end is None:
            lack = "a Close" if self._frames else "an answer to the handshake"
            how = f": {describe(exc)}" if isinstance(exc, OSError) else ""
            self._end = f"the connection ended without {lack}{how}"
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        if self._end is None:
            try:
                self._take(data)
            except Failed as fault:
                self._end = str(fault)
                self._messages.clear()
                self.abort()
            self._wake()

    def _take(self, data: bytes) -> None:
        if self._frames is None:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found and len(head) <= MAX_HEAD:
                return
            if fault := find_fault(head, self._key):
                raise Failed(fault)
            self._head = b""
            self._frames = Connection(ConnectionType.CLIENT)
        self._frames.receive_data(data)
        for event in self._frames.events():
            self._take_event(self._frames, event)

    def _take_event(self, frames: Connection, event: Event) -> None:
        match event:
            case Message():
                self._take_message(event)
            case Ping():
                self._write(frames.send(event.response()))
            case CloseConnection() if frames.state is ConnectionState.REMOTE_CLOSING:
                self._end = closed_with(int(event.code), event.reason)
                self._write(frames.send(event.response()))
            case CloseConnection():  # found by wsproto, not sent by the server
                raise Failed(f"the server broke the protocol (close code {int(event.code)})")

    def _take_message(self, event: Message[Any]) -> None:
        if isinstance(event, BytesMessage):
            raise Failed("a binary message came")
        self._part += event.data
        if event.message_finished:
            self._messages.append(self._part)
            self._part = ""
        if len(self._part) > MAX_MESSAGE:
            raise Failed("a message that is too long came")
        if len(self._messages) > MAX_MESSAGES:
            raise Failed("the server sent messages without being asked")


def make_socket(seat: Seat) -> socket.socket:
    """Return a socket, bound to the source address of the seat if it has one."""
    sock = socket.socket(seat.target.family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if seat.source is not None:
            if sys.platform == "linux":
                sock.setsockopt(socket.IPPROTO_IP, BIND_ADDRESS_NO_PORT, 1)
            sock.bind((seat.source, 0))
    except OSError:
        sock.close()
        raise
    return sock


def describe(error: OSError) -> str:
    """Return the text of a system error, the same for all connections."""
    number = error.errno or 0
    return HINTS.get(number) or (os.strerror(number) if number else str(error))


def closed_with(code: int, reason: str | None = None) -> str:
    """Return the text for a connection that the server closed with a Close."""
    return f"the server closed with {code}" + (f": {shorten(reason)}" if reason else "")


def shorten(text: str) -> str:
    """Return a text in quotes, truncated if it is long."""
    return repr(text if len(text) <= SHOWN else f"{text[:SHOWN]}…")
