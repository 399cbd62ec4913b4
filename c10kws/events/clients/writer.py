"""``ClientWriter``: frames to one client, held while its ``open`` runs."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Generator
from contextlib import suppress
from typing import Any

from ... import conf
from ...connection.items import weigh
from ...connection.websocket import WebSocket, connection_of
from ...exceptions import ConnectionClosed
from ...protocol.closing import CloseCode
from . import backpressure
from .held_frames import HeldFrames, TooManyHeldFrames

logger = logging.getLogger("c10kws.events")


class ClientWriter:
    """Writes text frames to one client, from any thread.

    In a thread that runs a callback of this client a write waits while the client reads slowly.
    """

    __slots__ = ("_connection", "_held", "_path", "_written_since_wait", "sender")

    def __init__(self, connection: WebSocket, path: str) -> None:
        self._connection = connection
        self.sender = connection_of(connection).sender
        self._path = path
        self._held: HeldFrames | None = None
        self._written_since_wait = 0  # bytes, by threads that run this client's callbacks

    def write(self, text: str) -> Awaitable[None]:
        """Send a frame, or hold it. Awaiting the result waits while the client reads slowly."""
        held = self._held  # another thread may release it meanwhile
        if held is not None and held.put(text, alone=True):
            return Later()
        sent = self._connection.write_message(text)
        if backpressure.is_own(self._connection):
            self._written_since_wait += weigh(text)
            limit = connection_of(self._connection).sender.settings.max_queue_bytes
            if self._written_since_wait > limit // backpressure.SHARE:
                self._written_since_wait = 0
                backpressure.wait_for_client(sent)
        return sent

    def write_if_open(self, text: str) -> None:
        """Send a frame; skip a disconnected client."""
        if not self._connection.closed:
            with suppress(ConnectionClosed):
                self.write(text)

    # While ``open`` runs

    def hold(self) -> None:
        """Hold frames for the client from now on."""
        self._held = HeldFrames(conf.current().max_queue_bytes)

    def hold_broadcast(self, text: str) -> bool | None:
        """Hold a broadcast. Return True if there was room, False if not, None if not holding."""
        held = self._held
        try:
            return True if held is not None and held.put(text, alone=False) else None
        except TooManyHeldFrames as error:
            connection_of(self._connection).sender.dropped += 1
            if conf.current().slow_client != "drop":
                logger.warning("%s: closing a client whose 'open' runs: %s", self._path, error)
                self.drop_broadcasts()
                self._connection.close(CloseCode.TRY_AGAIN_LATER, "too slow")
            return False

    def release(self, hello: str | None) -> None:
        """Send ``hello`` and the held frames; later frames are not held."""
        if self._held is not None:
            self._held.release(self._connection.write_message, hello)
            self._held = None

    def drop_all(self) -> None:
        """Drop the held frames and later ones."""
        if self._held is not None:
            self._held.drop()

    def drop_broadcasts(self) -> None:
        """Send the held frames for this client alone; drop the others and later ones."""
        if self._held is not None:
            self._held.drop(self._connection.write_message)


class Later:
    """Returned by an emit that is sent later; awaiting it does not wait."""

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield
