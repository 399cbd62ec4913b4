"""The rooms of one EventSocket and the clients in them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .socket import Socket


class Rooms:
    """Members in the order in which they came; from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._members: dict[str, dict[Socket, None]] = {}
        self._rooms: dict[Socket, set[str]] = {}

    def join(self, room: str, socket: Socket) -> None:
        """Put a client into a room; the second time nothing happens."""
        with self._lock:
            self._members.setdefault(room, {})[socket] = None
            self._rooms.setdefault(socket, set()).add(room)

    def leave(self, room: str, socket: Socket) -> None:
        """Remove a client from a room; does nothing if it is not in it."""
        with self._lock:
            self._leave(room, socket)

    def leave_all(self, socket: Socket) -> None:
        """Remove a client from every room."""
        with self._lock:
            for room in list(self._rooms.get(socket, ())):
                self._leave(room, socket)

    def _leave(self, room: str, socket: Socket) -> None:
        """Empty rooms, and clients in no room, are forgotten."""
        members, rooms = self._members.get(room, {}), self._rooms.get(socket, set())
        members.pop(socket, None)
        rooms.discard(room)
        if not members:
            self._members.pop(room, None)
        if not rooms:
            self._rooms.pop(socket, None)

    def of(self, socket: Socket) -> frozenset[str]:
        """Return the rooms that a client is in."""
        with self._lock:
            return frozenset(self._rooms.get(socket, ()))

    def members(self, room: str) -> list[Socket]:
        """Return who is in a room."""
        return [each for each in self.listeners(room) if not each.opening]

    def listeners(self, room: str) -> list[Socket]:
        """Return the clients that are in a room, or will be when ``open`` has returned."""
        with self._lock:
            return list(self._members.get(room, ()))
