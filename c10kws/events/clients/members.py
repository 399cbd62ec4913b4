"""``Members``: the clients of one EventSocket."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..rooms.rooms import Rooms
from .socket import Socket


class Members:
    """Members of an EventSocket, and the clients whose ``open`` is running; oldest first.

    ``opened`` is called before the first client is added, ``emptied`` after the last has left.
    """

    def __init__(
        self,
        rooms: Rooms[Socket],
        opened: Callable[[], object],
        emptied: Callable[[], object],
    ) -> None:
        self._rooms = rooms
        self._opened = opened
        self._emptied = emptied
        self._lock = threading.Lock()
        self._members: dict[Socket, None] = {}
        self._opening: dict[Socket, None] = {}

    def begin(self, socket: Socket) -> None:
        """Hold events for a new client until ``enter``; ``open`` is about to be called."""
        socket.opening = True
        socket.writer.hold()
        with self._lock:
            if not self._members and not self._opening:
                self._opened()
            self._opening[socket] = None

    def enter(self, socket: Socket) -> None:
        """Make a client a member: ``open`` has returned."""
        with self._lock:
            self._opening.pop(socket, None)
            self._members[socket] = None
            socket.opening = False

    def leave(self, socket: Socket) -> None:
        """Remove a client that has disconnected, or that ``open`` has refused."""
        with self._lock:
            found = socket in self._opening or socket in self._members
            self._opening.pop(socket, None)
            self._members.pop(socket, None)
            socket.opening = False
            if found and not self._members and not self._opening:
                self._emptied()
        self._rooms.leave_all(socket)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, socket: object) -> bool:
        return socket in self._members

    def all(self) -> list[Socket]:
        """Return the members."""
        with self._lock:
            return list(self._members)

    def opening(self) -> dict[Socket, None]:
        """Return the clients whose ``open`` is running."""
        return self._opening

    def listeners(self) -> list[Socket]:
        """Return the members, and after them the clients whose ``open`` is running."""
        with self._lock:
            return [*self._members, *self._opening]
