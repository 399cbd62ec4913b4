"""``Audience``: the clients of this process that get the messages of one channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from ...connection.loop import LoopState, loop_state_of
from ...connection.websocket import connection_of
from ..brokers.message import Arrival, Message, Position
from ..clients.socket import Socket
from ..frames.serialization import encode, extend


class Writer(Protocol):
    """Writes a frame to clients of the running loop."""

    def send(self, sockets: list[Socket], text: str) -> None: ...


class Audience:
    """Writes the messages of a channel to its clients.

    ``room`` is a key of the frames of version 1; None for a channel that is not a room.
    """

    def __init__(
        self, clients: Callable[[], list[Socket]], writer: Writer, room: str | None = None
    ) -> None:
        self._clients = clients
        self._writer = writer
        self._room = room

    def receive(self, arrival: Arrival) -> None:
        """Write a message to the clients of the running loop."""
        message = arrival.message
        clients = self._clients_for(message, loop_state_of(asyncio.get_running_loop()))
        if self._room is None:
            self._writer.send(clients, message.text)
            return
        texts = (message.text, extend(message.text, room=self._room))
        for version, text in enumerate(texts):
            self._writer.send([each for each in clients if each.version == version], text)

    def reset(self, position: Position | None) -> None:
        """Tell clients of version 1 that events were lost."""
        data = {} if self._room is None else {"room": self._room}
        clients = self._clients_of(loop_state_of(asyncio.get_running_loop()))
        self._writer.send([each for each in clients if each.version >= 1], encode("ws:reset", data))

    def _clients_of(self, loop_state: LoopState) -> list[Socket]:
        return [
            each
            for each in self._clients()
            if connection_of(each.connection).loop_state is loop_state
        ]

    def _clients_for(self, message: Message, loop_state: LoopState) -> list[Socket]:
        clients = self._clients_of(loop_state)
        if message.exclude:
            clients = [each for each in clients if each.id not in message.exclude]
        if message.versions is not None:
            clients = [each for each in clients if each.version in message.versions]
        return clients
