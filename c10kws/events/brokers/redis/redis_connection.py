"""``RedisConnection``: two connections to one Redis server, for messages and for commands."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from ..history import HistoryLimits, Position
from ..link.connection import BrokerConnection, ConnectionLost, Deliver, LastRow, Outgoing, Refused
from ..store import NUMBER_TTL
from . import scripts, server
from .options import RedisOptions
from .raw import Command, RawConnection
from .scripts import Script
from .subscribing import SubscribingConnection

logger = logging.getLogger("c10kws.brokers")

Rows = Sequence[tuple[Position, bytes]]


LOADING: Sequence[Command] = [("SCRIPT", "LOAD", each.text) for each in scripts.SCRIPTS]
#: The place of the first key in the command of a script.
KEY = 3


class RedisConnection(BrokerConnection):
    """Publishes on one connection and subscribes on another, as Redis requires."""

    def __init__(self, options: RedisOptions) -> None:
        self._options = options
        self._opened: list[RawConnection] = []
        self._commanding: RawConnection
        self._subscribing: SubscribingConnection
        self._server = ""  # the run_id
        self._refused = False

    async def open(self) -> None:
        make = await self._options.find_server()
        self._opened = [make(), make()]
        for each in self._opened:
            await each.open()
        self._commanding, subscribing = self._opened
        self._server = await server.identify(self._commanding)
        if await server.identify(subscribing) != self._server:
            raise ConnectionLost("its address leads to several servers")
        self._subscribing = SubscribingConnection(subscribing, self._options.prefix)
        # A user without this right can only use channels without history.
        await self._commanding.call(*LOADING)

    async def run(self, deliver: Deliver) -> None:
        await self._subscribing.run(deliver)

    async def subscribe(self, channels: Sequence[str]) -> None:
        await self._subscribing.subscribe(channels)

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await self._subscribing.unsubscribe(channels)

    async def publish(self, batch: Sequence[Outgoing]) -> Sequence[Exception | None]:
        replies = await self._call([self._publishing(outgoing) for outgoing in batch])
        return [Refused(str(each)) if isinstance(each, ResponseError) else None for each in replies]

    async def publish_after(
        self, expected: Position, messages: Sequence[Outgoing]
    ) -> Position | LastRow:
        first, others = messages[0], [message.payload for message in messages[1:]]
        assert first.limits is not None
        command = self._keeping(
            scripts.UPDATE, first, first.limits, expected.epoch, expected.seq, *others
        )
        (reply,) = await self._call([command])
        return Position(expected.epoch, reply) if isinstance(reply, int) else _read_last(reply)

    async def last(self, channel: str, limits: HistoryLimits) -> LastRow:
        ttl = _milliseconds(limits.ttl + NUMBER_TTL)
        (reply,) = await self._call([self._script(scripts.LAST, channel, _new_epoch(), ttl)])
        return _read_last(reply)

    async def position(self, channel: str, limits: HistoryLimits) -> Position:
        """Return the last position; if Redis refuses the script, a position of a new epoch."""
        (position,) = await self.positions([(channel, limits)])
        return position

    async def positions(self, channels: Sequence[tuple[str, HistoryLimits]]) -> Sequence[Position]:
        commands = [
            self._script(
                *(scripts.POSITION, channel, _new_epoch()),
                _milliseconds(limits.ttl + NUMBER_TTL),
            )
            for channel, limits in channels
        ]
        replies = await self._call(commands)
        return [
            self._position(*each)
            for each in zip([name for name, _ in channels], replies, strict=True)
        ]

    async def rows(self, channel: str, since: Position) -> Rows | None:
        (rows,) = await self.rows_of([(channel, since)])
        return rows

    async def rows_of(self, channels: Sequence[tuple[str, Position]]) -> Sequence[Rows | None]:
        replies = await self._call(
            [
                self._script(scripts.ROWS, channel, since.epoch, since.seq)
                for channel, since in channels
            ]
        )
        return [
            self._rows(channel, since, reply)
            for (channel, since), reply in zip(channels, replies, strict=True)
        ]

    def _position(self, channel: str, reply: Any) -> Position:
        if isinstance(reply, ResponseError):
            self._report(channel, reply)
            return Position(_new_epoch(), 0)
        epoch, seq = reply
        return Position(epoch.decode(), seq)

    def _rows(self, channel: str, since: Position, reply: Any) -> Rows | None:
        if isinstance(reply, ResponseError):
            self._report(channel, reply)
            return None
        if reply is None:
            return None
        return [
            (Position(since.epoch, seq), payload)
            for seq, payload in enumerate(reply, since.seq + 1)
        ]

    async def ping(self) -> None:
        """Return when both connections work, and the server is still the master."""
        await server.check_role(self._commanding)
        await self._subscribing.ping()

    async def close(self) -> None:
        for each in self._opened:
            await each.close()

    # Commands

    def _publishing(self, outgoing: Outgoing) -> Command:
        limits = outgoing.limits
        if limits is None:
            name = f"{self._options.prefix}{outgoing.channel}"
            return ("PUBLISH", name, b"\n" + outgoing.payload)
        return self._keeping(scripts.PUBLISH, outgoing, limits)

    def _keeping(
        self,
        script: Script,
        outgoing: Outgoing,
        limits: HistoryLimits,
        *arguments: str | bytes | int,
    ) -> Command:
        return self._script(
            script,
            outgoing.channel,
            _new_epoch(),
            f"{self._options.prefix}{outgoing.channel}",
            outgoing.payload,
            limits.size,
            limits.max_bytes,
            _milliseconds(limits.ttl),
            _milliseconds(limits.ttl + NUMBER_TTL),
            *arguments,
        )

    def _script(self, script: Script, channel: str, *arguments: str | bytes | int) -> Command:
        keys = [f"{self._options.prefix}{part}:{channel}" for part in ("meta", "rows")]
        return ("EVALSHA", script.digest, 2, *keys, self._server, *arguments)

    async def _call(self, commands: Sequence[Command]) -> list[Any]:
        """Return the replies. A script that Redis did not know has not run: load it, and run it."""
        if not commands:
            return []
        replies = await self._commanding.call(*commands)
        if unknown := _find_unknown(commands, replies):
            again = [*LOADING, *[commands[at] for at in unknown]]
            found = (await self._commanding.call(*again))[len(LOADING) :]
            for at, reply in zip(unknown, found, strict=True):
                replies[at] = reply
        return replies

    def _report(self, channel: str, error: ResponseError) -> None:
        """Log that a history could not be read, once for each connection."""
        if not self._refused:
            self._refused = True
            logger.error("Redis refused the history of %r: %s", channel, error)


def _find_unknown(commands: Sequence[Command], replies: Sequence[Any]) -> list[int]:
    """Return the scripts that Redis did not know, and that can run now in the same order.

    Another process may have loaded them in between, so a later one of the same channel may have
    run. Then the earlier one fails.
    """
    unknown: list[int] = []
    ran: set[str | bytes | int] = set()  # the channels, by their first key
    for at in reversed(range(len(commands))):
        key = commands[at][KEY] if len(commands[at]) > KEY else ""
        if not isinstance(replies[at], NoScriptError):
            ran.add(key)
        elif key not in ran:
            unknown.append(at)
    return unknown[::-1]


def _read_last(reply: Any) -> LastRow:
    """Return the last row. Raises Refused for an error of Redis."""
    if isinstance(reply, ResponseError):
        raise Refused(str(reply))
    epoch, seq, *rows = reply
    return LastRow(Position(epoch.decode(), seq), rows[0] if rows else None)


def _new_epoch() -> str:
    return secrets.token_urlsafe(6)


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))
