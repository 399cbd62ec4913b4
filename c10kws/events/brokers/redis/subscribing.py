"""``SubscribingConnection``: the connection to Redis on which messages arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from redis.exceptions import ResponseError

from ..history import Position
from ..link.connection import ConnectionLost, Deliver
from .raw import RawConnection, decode_name


class SubscribingConnection:
    """Subscribes to channels, and reads what arrives in :meth:`run`."""

    def __init__(self, raw: RawConnection, prefix: str) -> None:
        self._raw = raw
        self._prefix = prefix
        self._unconfirmed = 0
        self._confirmed = asyncio.Event()
        self._alive = asyncio.Event()  # something has arrived
        self._delivering = False

    async def run(self, deliver: Deliver) -> None:
        """Deliver messages until the connection is lost."""
        skipped = len(self._prefix.encode())
        while True:
            reply = await self._raw.read()
            self._alive.set()
            if isinstance(reply, ResponseError):
                raise ConnectionLost(f"it refused a subscription: {reply}")
            match reply:
                case [b"message", channel, data]:
                    position, payload = _read_position(data)
                    self._delivering = True
                    await deliver(decode_name(channel[skipped:]), payload, position)
                    self._delivering = False
                case [b"subscribe", _, _]:
                    self._unconfirmed -= 1
                    if not self._unconfirmed:
                        self._confirmed.set()

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Subscribe to channels with one command, and return when all of them are confirmed."""
        self._unconfirmed += len(channels)
        self._confirmed.clear()
        await self._raw.send(["SUBSCRIBE", *self._names(channels)])
        await self._confirmed.wait()

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        await self._raw.send(["UNSUBSCRIBE", *self._names(channels)])

    async def ping(self) -> None:
        """Return when something has arrived, or while a message waits to be delivered."""
        if self._delivering:
            return
        self._alive.clear()
        await self._raw.send(["PING"])
        await self._alive.wait()

    def _names(self, channels: Sequence[str]) -> list[str]:
        return [f"{self._prefix}{channel}" for channel in channels]


def _read_position(data: bytes) -> tuple[Position | None, bytes]:
    """Split published data into its position, which is a line and may be empty, and the payload.

    The payload of another program is empty: no message has it.
    """
    line, _, payload = data.partition(b"\n")
    if not line:
        return None, payload
    try:
        epoch, _, seq = line.decode().partition(" ")
        return Position(epoch, int(seq)), payload
    except ValueError:
        return None, b""
