"""Unsent data of a socket, with a loop that only records callbacks."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from c10kws_tornado.raw.pendingwrites import PendingWrites


class Writers:
    """The part of a loop that watches for writable sockets."""

    def __init__(self) -> None:
        self.callbacks: dict[int, Callable[[], None]] = {}

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        self.callbacks[fd] = callback

    def remove_writer(self, fd: int) -> None:
        del self.callbacks[fd]


class Transport:
    """Records the calls of a transport's callbacks."""

    def __init__(self, sock: socket.socket) -> None:
        self.left: list[int] = []
        self.errors: list[OSError] = []
        self.writers = Writers()
        loop = cast(asyncio.AbstractEventLoop, self.writers)
        self.pending = PendingWrites(loop, sock, self.left.append, self.errors.append)
        self._fd = sock.fileno()

    def become_writable(self) -> None:
        self.writers.callbacks[self._fd]()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    with_ends = socket.socketpair()
    for end in with_ends:
        end.setblocking(False)
    yield with_ends
    for end in with_ends:
        end.close()


def test_what_was_sent_is_left_out(pair: tuple[socket.socket, socket.socket]) -> None:
    transport = Transport(pair[0])
    transport.pending.add([b"abc", b"def"], 4)
    assert transport.pending.size == 2
    transport.become_writable()
    assert pair[1].recv(100) == b"ef"
    assert transport.left == [0]
    assert transport.writers.callbacks == {}


def test_it_writes_until_all_is_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    transport = Transport(pair[0])
    data = bytes(range(256)) * 8192
    transport.pending.add([data[:100], data[100:]])
    received = b""
    while transport.writers.callbacks:
        transport.become_writable()
        received += pair[1].recv(1 << 22)
    while len(received) < len(data):
        received += pair[1].recv(1 << 22)
    assert received == data
    assert transport.left == sorted(transport.left, reverse=True)
    assert transport.left[-1] == transport.pending.size == 0


def test_a_full_kernel_is_no_error(pair: tuple[socket.socket, socket.socket]) -> None:
    transport = Transport(pair[0])
    transport.pending.add([bytes(1 << 24)])
    transport.become_writable()
    (left,) = transport.left
    transport.become_writable()
    assert left > 0
    assert transport.left[1:] in ([], [left])
    assert not transport.errors


def test_an_error_is_reported(pair: tuple[socket.socket, socket.socket]) -> None:
    transport = Transport(pair[0])
    transport.pending.add([b"abc"])
    pair[1].close()
    transport.become_writable()
    assert [type(error) for error in transport.errors] == [BrokenPipeError]
    assert transport.left == []


def test_several_pieces_go_in_one_call(pair: tuple[socket.socket, socket.socket]) -> None:
    transport = Transport(pair[0])
    pieces: list[Any] = [b"a", bytearray(b"b"), memoryview(b"c")]
    transport.pending.add(pieces)
    transport.become_writable()
    assert pair[1].recv(100) == b"abc"
