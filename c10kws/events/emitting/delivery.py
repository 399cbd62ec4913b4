"""``Delivery``: one frame to many clients, with counters."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial

from ...connection.broadcast import broadcast
from ...connection.loop import LoopState
from ...connection.websocket import WebSocket, connection_of
from ..clients.socket import Socket


class Delivery:
    """Sends frames and counts, once for each client: ``delivered`` and ``dropped`` messages."""

    def __init__(self) -> None:
        self.delivered = self.dropped = 0
        self._lock = threading.Lock()

    def send(self, sockets: Iterable[Socket], text: str) -> None:
        """Broadcast once per event loop, since a process may run two servers."""
        loops: dict[LoopState, list[WebSocket]] = {}
        closed = 0
        for socket in sockets:
            connection = connection_of(socket.connection)
            if connection.closed:
                closed += 1
            else:
                loops.setdefault(connection.loop_state, []).append(socket.connection)
        if closed:
            self.count(0, closed)
        for websockets in loops.values():
            broadcast(websockets, text).when_done(partial(self._count_for, len(websockets)))

    def _count_for(self, number: int, delivered: int) -> None:
        self.count(delivered, number - delivered)

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
