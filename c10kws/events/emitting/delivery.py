"""``Delivery``: one frame to many clients, with counters."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial

from ...connection.broadcast import broadcast
from ...connection.websocket import WebSocket
from ..clients.socket import Socket


class Delivery:
    """Sends frames and counts, once for each client: ``delivered`` and ``dropped`` messages."""

    def __init__(self) -> None:
        self.delivered = self.dropped = 0
        self._lock = threading.Lock()

    def send(self, sockets: Iterable[Socket], text: str) -> None:
        """Broadcast once per event loop, since a process may run two servers."""
        loops: dict[int, list[WebSocket]] = {}
        for socket in sockets:
            if socket.closed:
                self.count(0, 1)
            else:
                loops.setdefault(id(socket.connection.shared), []).append(socket.connection)
        for websockets in loops.values():
            taken = broadcast(websockets, text)
            if isinstance(taken, int):
                self.count(taken, len(websockets) - taken)
            else:
                taken.add_done_callback(partial(self._count_later, len(websockets)))

    def _count_later(self, number: int, taken: Future[int]) -> None:
        self.count(taken.result(), number - taken.result())

    def hold(self, sockets: Iterable[Socket], text: str) -> set[Socket]:
        """Hold a frame for clients whose ``open`` runs; return those that took or dropped it."""
        held = {socket: socket.writer.hold_broadcast(text) for socket in sockets}
        taken = list(held.values())
        self.count(taken.count(True), taken.count(False))
        return {socket for socket, result in held.items() if result is not None}

    def count(self, delivered: int, dropped: int) -> None:
        """Add to the counters."""
        with self._lock:
            self.delivered += delivered
            self.dropped += dropped
