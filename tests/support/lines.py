"""Lines: a ``SocketTransport`` over a real socket, one turn of the loop at a time."""

from __future__ import annotations

import asyncio
import select
import selectors
import socket
import struct
from collections.abc import Callable
from typing import Any

import pytest

from c10kws_tornado.raw.poller import Poller
from c10kws_tornado.raw.sockettransport import SocketTransport
from tests.support.waiting import WAIT

#: More than the kernel takes for a peer that does not read: see ``connect``.
LARGE = 1_000_000
LOST = ("lost", None)


def nothing(transport: SocketTransport) -> None:
    pass


class Events:
    """Records its calls; ``hooks`` of the same names, called with the transport, do more."""

    def __init__(self, **hooks: Callable[[SocketTransport], Any]) -> None:
        self.events: list[Any] = []
        self.hooks = hooks
        self.transport: Any = None

    def tell(self, name: str, event: Any = None) -> Any:
        self.events.append(event or name)
        return self.hooks.get(name, nothing)(self.transport)

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.tell("made")

    def eof_received(self) -> bool | None:
        answer: bool | None = self.tell("eof")
        return answer

    def pause_writing(self) -> None:
        self.tell("pause")

    def resume_writing(self) -> None:
        self.tell("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        self.tell("lost", ("lost", exc))
        self.transport = None

    @property
    def data(self) -> bytes:
        return b"".join(each for each in self.events if isinstance(each, bytes))

    @property
    def calls(self) -> list[Any]:
        """All but the data."""
        return [each for each in self.events if not isinstance(each, bytes)]


class Plain(Events, asyncio.Protocol):
    def data_received(self, data: bytes) -> None:
        self.tell("data", bytes(data))


class Buffered(Events, asyncio.BufferedProtocol):
    def __init__(self, size: int = 1000, **hooks: Callable[[SocketTransport], Any]) -> None:
        super().__init__(**hooks)
        self.buffer = bytearray(size)

    def get_buffer(self, sizehint: int) -> bytearray:
        self.hooks.get("buffer", nothing)(self.transport)
        return self.buffer

    def buffer_updated(self, nbytes: int) -> None:
        self.tell("data", bytes(self.buffer[:nbytes]))


Protocol = Plain | Buffered


def lost_error(protocol: Protocol) -> Any:
    """Return the error of ``connection_lost``, the only call after ``connection_made``."""
    ((name, error),) = protocol.events[1:]
    assert name == "lost"
    return error


def connect(kind: str) -> tuple[socket.socket, socket.socket]:
    """Return two ends; the kernel holds little between them."""
    if kind == "pair":
        ours, peer = socket.socketpair()
    else:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            peer = socket.create_connection(listening.getsockname())
            ours, _ = listening.accept()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16_384)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
    ours.setblocking(False)
    peer.setblocking(False)
    return ours, peer


class Line:
    """A transport, its protocol and the peer, on a loop that runs in ``until`` only."""

    def __init__(self, selector: selectors.BaseSelector, kind: str, *, polls: bool) -> None:
        self.selector = selector
        self.loop = asyncio.SelectorEventLoop(selector)
        self.poller = Poller(self.loop) if polls else None
        self.errors: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        self.socket, self.peer = connect(kind)
        self.buffer = bytearray()

    def make(self, protocol: Protocol) -> SocketTransport:
        readers = self.poller or self.loop
        transport = SocketTransport(self.loop, self.socket, protocol, readers)
        self.loop.call_soon(transport.begin)
        return transport

    def open(self, protocol: Protocol) -> SocketTransport:
        transport = self.make(protocol)
        self.until(lambda: "made" in protocol.events)
        return transport

    def until(self, condition: Callable[[], object]) -> None:
        async def wait() -> None:
            async with asyncio.timeout(WAIT):
                while not condition():
                    await asyncio.sleep(0)

        self.loop.run_until_complete(wait())

    def turn(self, count: int = 20) -> None:
        """Run the loop long enough for events that must not occur."""
        left = iter(range(count))
        self.until(lambda: next(left, None) is None)

    @property
    def watched(self) -> int:
        """The number of descriptors that are watched, without the loop's own and the poller."""
        watched = len(self.selector.get_map()) - 1
        return watched if self.poller is None else watched - 1 + self.poller.watched

    def receive(self, size: int = 65_536) -> bool:
        """Read the available data at the peer; True at the end.

        A reset is an end too: the kernel sends one for a socket that was closed with bytes unread.
        """
        try:
            data = self.peer.recv(size)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        self.buffer += data
        return not data

    def read(self, size: int) -> bytes:
        """Read ``size`` bytes at the peer."""
        while len(self.buffer) < size:
            self.until(self.readable)
            assert not self.receive(), f"the transport closed after {len(self.buffer)} bytes"
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    def readable(self) -> bool:
        return bool(select.select([self.peer], [], [], 0)[0])

    def read_to_end(self, step: int = 65_536) -> bytes:
        """Read at the peer up to the transport's end of file."""
        self.until(lambda: self.receive(step))
        data = bytes(self.buffer)
        self.buffer.clear()
        return data

    def send(self, data: bytes) -> None:
        """Send ``data`` from the peer, and wait until it has arrived."""
        self.peer.sendall(data)
        assert select.select([self.socket], [], [], WAIT)[0]

    def fill(self, transport: SocketTransport, waiting: int) -> int:
        """Write until ``waiting`` bytes are queued in the transport; return the number written."""
        written = 0
        while (size := transport.get_write_buffer_size()) < waiting:
            piece = min(waiting - size, 4096)
            transport.write(b"x" * piece)
            written += piece
        assert transport.get_write_buffer_size() == waiting
        return written

    def reset(self) -> None:
        """Reset the connection from the peer."""
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.peer.close()

    def close(self) -> None:
        self.turn(3)
        if self.poller is not None:
            self.poller.close()
        self.loop.close()
        self.socket.close()
        self.peer.close()


POLLS = ["poller tcp"] if hasattr(select, "epoll") else []
only_tcp = pytest.mark.parametrize("line", ["default tcp", "select tcp", *POLLS], indirect=True)
both_kinds = pytest.mark.parametrize("kind", [Plain, Buffered])
