"""``Poller``: one epoll object for the sockets of a server, itself watched by the event loop.

The loop needs five objects for each socket that it watches, and several calls for each event. That
counts with ten thousand idle connections, or with messages of a few bytes.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable
from typing import Protocol


class Readers(Protocol):
    """The part of an event loop that watches for received data; a Poller has it, too."""

    def add_reader(self, fd: int, callback: Callable[[], object], /) -> object:
        """Call when the descriptor has data, from now on."""

    def remove_reader(self, fd: int, /) -> object:
        """Stop watching a descriptor, if it is watched."""


class Poller:
    """Watches sockets for received data; used on the loop's thread."""

    __slots__ = ("_callbacks", "_epoll", "_loop")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._callbacks: dict[int, Callable[[], object]] = {}
        loop.add_reader(self._epoll.fileno(), self._poll)

    @property
    def watched(self) -> int:
        """The number of watched descriptors."""
        return len(self._callbacks)

    def add_reader(self, fd: int, callback: Callable[[], object]) -> None:
        """Call when the descriptor has data, from now on."""
        if fd not in self._callbacks:
            self._epoll.register(fd, select.EPOLLIN)
        self._callbacks[fd] = callback

    def remove_reader(self, fd: int) -> None:
        """Stop watching a descriptor, if it is watched."""
        if self._callbacks.pop(fd, None) is not None:
            self._epoll.unregister(fd)

    def _poll(self) -> None:
        callbacks = self._callbacks
        for fd, _ in self._epoll.poll(0):
            callback = callbacks.get(fd)
            if callback is not None:  # else another callback has removed it
                callback()

    def close(self) -> None:
        """Stop watching; a second call does nothing."""
        if not self._epoll.closed:
            self._callbacks.clear()
            self._loop.remove_reader(self._epoll.fileno())
            self._epoll.close()


def make_poller(loop: asyncio.AbstractEventLoop) -> Poller | None:
    """Return a Poller; None on systems that have no epoll."""
    return Poller(loop) if hasattr(select, "epoll") else None
