"""The rooms of one EventSocket and the clients in them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar


class Member(Protocol):
    """A client, hashable by identity. While ``opening`` is True it is not a member yet."""

    opening: bool


C = TypeVar("C", bound=Member)


class Rooms(Generic[C]):
    """Clients by room, oldest first. All methods may be called from any thread.

    ``opened`` is called before the first client enters a room, and ``emptied`` after the last one
    has left. Both get the name of the room. They must not call methods of this object.
    """

    def __init__(self, opened: Callable[[str], object], emptied: Callable[[str], object]) -> None:
        self._opened = opened
        self._emptied = emptied
        self._lock = threading.Lock()
        self._clients: dict[str, dict[C, None]] = {}
        self._rooms: dict[C, set[str]] = {}

    def join(self, room: str, client: C) -> None:
        """Put a client into a room; does nothing if it is in it."""
        with self._lock:
            if room not in self._clients:
                self._opened(room)
                self._clients[room] = {}
            self._clients[room][client] = None
            self._rooms.setdefault(client, set()).add(room)

    def leave(self, room: str, client: C) -> None:
        """Remove a client from a room; does nothing if it is not in it."""
        with self._lock:
            self._leave(room, client)

    def leave_all(self, client: C) -> None:
        """Remove a client from every room."""
        with self._lock:
            for room in list(self._rooms.get(client, ())):
                self._leave(room, client)

    def _leave(self, room: str, client: C) -> None:
        """Remove a client, then the room if it is empty and the client if it is in no room."""
        clients, rooms = self._clients.get(room, {}), self._rooms.get(client, set())
        if client not in clients:
            return
        del clients[client]
        rooms.discard(room)
        if not clients:
            del self._clients[room]
            self._emptied(room)
        if not rooms:
            del self._rooms[client]

    def of(self, client: C) -> frozenset[str]:
        """Return the rooms that a client is in."""
        with self._lock:
            return frozenset(self._rooms.get(client, ()))

    def members(self, room: str) -> list[C]:
        """Return the clients in a room, without those whose ``open`` is running."""
        return [each for each in self.listeners(room) if not each.opening]

    def listeners(self, room: str) -> list[C]:
        """Return the clients in a room, with those whose ``open`` is running."""
        with self._lock:
            return list(self._clients.get(room, ()))
