"""``Delivery``: one frame to many clients of one event loop, with counters."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterable

from ...connection.broadcast import broadcast_here
from ...connection.loop import loop_state_of
from ..clients.members import Members
from ..clients.socket import Socket


class Delivery:
    """Sends frames and counts, once for each client: ``delivered`` and ``dropped`` messages."""

    def __init__(self, members: Members) -> None:
        self.delivered = self.dropped = 0
        self._members = members
        self._lock = threading.Lock()

    def send(self, sockets: Collection[Socket], text: str) -> None:
        """Send a frame to clients of the running loop; hold it for those whose ``open`` runs."""
        opening = self._members.opening()
        if opening:
            held = self._hold([each for each in sockets if each in opening], text)
            sockets = [each for each in sockets if each not in held]
        writers = [each.writer for each in sockets]
        senders = [each.sender for each in writers if each.sender.closed_with is None]
        result = broadcast_here(loop_state_of(asyncio.get_running_loop()), senders, text)
        self._count(result, len(sockets) - result)

    def _hold(self, sockets: Iterable[Socket], text: str) -> set[Socket]:
        """Hold a frame for clients whose ``open`` runs; return those that took or dropped it."""
        held = {socket: socket.writer.hold_broadcast(text) for socket in sockets}
        taken = list(held.values())
        self._count(taken.count(True), taken.count(False))
        return {socket for socket, result in held.items() if result is not None}

    def _count(self, delivered: int, dropped: int) -> None:
        with self._lock:
            self.delivered += delivered
            self.dropped += dropped
