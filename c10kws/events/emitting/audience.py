"""``Audience``: the clients of this process that get the messages of one channel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from ...connection.loop import LoopState, loop_state_of
from ..brokers.base import Broker
from ..brokers.futures import result_of
from ..brokers.history import HistoryLimits, Position
from ..brokers.link.connection import ConnectionLost
from ..brokers.message import Arrival, History, Message
from ..clients.socket import Socket
from ..frames.serialization import encode, keys_of
from .backlog import Backlog
from .follower import Follower
from .read_ahead import ReadAhead

#: Versions of the protocol.
VERSIONS = (0, 1)


class Writer(Protocol):
    """Writes a frame to clients of the running loop."""

    def send(self, sockets: list[Socket], text: str) -> None: ...


class Audience:
    """Writes the messages of a channel to its clients, while the channel has clients.

    ``room`` is a key of the frames of version 1, and None for a channel that is not a room.
    ``limits`` are the limits of its history, if it has one.
    """

    def __init__(
        self,
        broker: Broker,
        channel: str,
        clients: Callable[[], list[Socket]],
        writer: Writer,
        room: str | None,
        limits: HistoryLimits | None,
    ) -> None:
        self._broker = broker
        self._channel = channel
        self._clients = clients
        self._writer = writer
        self._room = room
        self._backlog = None if limits is None else Backlog(broker, channel, limits)
        #: Messages for clients whose history is being read.
        self._held: dict[Socket, list[Arrival]] = {}
        self._ahead = ReadAhead()
        self._followers: dict[Follower, None] = {}
        self._confirmed = broker.subscribe(channel, self, limits)

    @property
    def broker(self) -> str:
        """The alias of the broker."""
        return self._broker.alias

    def is_of(self, broker: Broker) -> bool:
        """Return True if this is the broker of the channel."""
        return self._broker is broker

    def close(self) -> None:
        """Unsubscribe from the channel."""
        self._broker.unsubscribe(self._channel, self)

    async def confirm(self) -> bool:
        """Wait until the broker has confirmed the subscription, for at most TIMEOUT seconds.

        Return False if it has not. When it does later, :meth:`reset` is called.
        """
        if not self._confirmed.done():
            with suppress(TimeoutError):
                async with asyncio.timeout(self._broker.timeout):
                    await result_of(self._confirmed)
        if not self._confirmed.done():
            return False
        if self._backlog is not None:
            self._backlog.begin(self._confirmed.result())
        return True

    # Messages

    def receive(self, arrival: Arrival) -> None:
        """Write a message to the clients of the running loop."""
        if arrival.position is not None and self._backlog is not None:
            self._backlog.keep(arrival)
        for follower in self._followers_here():
            follower.receive(arrival)
        clients = self._ahead.without(arrival, self._clients_for(arrival.message))
        for client in self._held.keys() & clients if self._held else ():
            self._held[client].append(arrival)
            clients.remove(client)
        if self._room is None:
            self._writer.send(clients, arrival.message.text)
            return
        for version in VERSIONS:
            some = [each for each in clients if each.version == version]
            if some:
                self._writer.send(some, self._frame(arrival, version))

    def reset(self, position: Position | None) -> None:
        """Send ``ws:reset`` to clients of version 1: messages were lost."""
        if self._backlog is not None:
            self._backlog.restart(position)
        for follower in self._followers_here():
            follower.reset(position)
        data: dict[str, object] = {} if self._room is None else {"room": self._room}
        if position is not None:
            data |= {"epoch": position.epoch, "seq": position.seq}
        clients = [each for each in self._clients_of(_loop_state()) if each.version >= 1]
        self._writer.send(clients, encode("ws:reset", data))

    def _clients_for(self, message: Message) -> list[Socket]:
        """Return the clients of the running loop that get a message."""
        clients = self._clients_of(_loop_state())
        if message.exclude:
            clients = [each for each in clients if each.id not in message.exclude]
        return clients

    def _clients_of(self, loop_state: LoopState) -> list[Socket]:
        clients = self._clients()
        return [each for each in clients if each.writer.sender.loop_state is loop_state]

    def _frame(self, arrival: Arrival, version: int) -> str:
        text = arrival.message.text
        if version == 0 or self._room is None:
            return text
        if arrival.position is None:
            return f"{text[:-1]}{keys_of(room=self._room)}}}"
        epoch, seq = arrival.position.epoch, arrival.position.seq
        return f'{text[:-1]}{keys_of(room=self._room, epoch=epoch)},"seq":{seq}}}'

    # Long polls

    def follow(self) -> Follower:
        """Return a new follower of the messages that arrive on the running loop."""
        follower = Follower()
        self._followers[follower] = None
        return follower

    def unfollow(self, follower: Follower) -> None:
        """Remove a follower."""
        self._followers.pop(follower, None)

    def _followers_here(self) -> list[Follower]:
        if not self._followers:
            return []
        loop = asyncio.get_running_loop()
        return [each for each in list(self._followers) if each.loop is loop]

    # A client that reconnects

    def hold(self, client: Socket) -> None:
        """Hold messages for a client until :meth:`release`."""
        self._held[client] = []

    async def read(self, since: Position | None) -> History | None:
        """Return the messages after a position, or None if no history can be read."""
        if self._backlog is None:
            return None
        with suppress(ConnectionLost, TimeoutError):
            return await self._backlog.read(since)
        return None

    def release(self, client: Socket, history: History | None, since: Position | None) -> None:
        """Write the messages that a client has missed, then those that were held for it.

        Without a ``history``, the client has the messages up to ``since``.
        """
        held = self._held.pop(client)
        rows = list(history.rows) if history is not None and history.recovered else []
        last = since if history is None else history.position
        rows += [each for each in held if not each.is_included(last)]
        for arrival in rows:
            client.writer.write_if_open(self._frame(arrival, client.version))
        if last is not None:
            self._ahead.add(client, last)


def _loop_state() -> LoopState:
    return loop_state_of(asyncio.get_running_loop())
