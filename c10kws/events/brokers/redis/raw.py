"""``RawConnection``: a connection of redis-py that is made once, and sends nothing twice.

redis-py connects again by itself if a connection was lost: a subscription would be interrupted
without a sign, and a message could be sent again. So its clients and pools are not used here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from redis.exceptions import ClusterDownError, ReadOnlyError, RedisError, ResponseError

from ..connection import ConnectionLost

#: The name of a command and its arguments.
Command = Sequence[str | bytes | int]

#: Seconds for the end of a TLS connection.
CLOSE_TIMEOUT = 1.0
#: Errors of a server that cannot do its work, for instance since it has become a replica. Servers
#: before Redis 7 report those of a script as other errors, which contain the word.
LOST = (ReadOnlyError, ClusterDownError)
LOST_WORDS = ("-READONLY", "-MASTERDOWN", "-LOADING")


class Driver(Protocol):
    """The methods of redis-py's connections that are used here."""

    @property
    def is_connected(self) -> bool: ...

    async def connect(self) -> None: ...

    async def send_packed_command(self, command: bytes, check_health: bool) -> None: ...

    async def read_response(self) -> Any: ...

    async def disconnect(self) -> None: ...


class RawConnection:
    """Commands and replies in order. All methods raise ConnectionLost."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def open(self) -> None:
        """Connect, with what the URL and the options demand, such as a password."""
        try:
            await self._driver.connect()
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from error

    async def send(self, *commands: Command) -> None:
        """Send commands without waiting for the replies."""
        if not self._driver.is_connected:  # redis-py would connect again
            raise ConnectionLost("it has closed the connection")
        try:
            await self._driver.send_packed_command(_pack(commands), check_health=False)
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from error

    async def read(self) -> Any:
        """Return the next reply; an error of the server is returned as well."""
        try:
            return await self._driver.read_response()
        except ResponseError as error:
            return error
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from error

    async def call(self, *commands: Command) -> list[Any]:
        """Send commands in one write, and return their replies.

        Raises ConnectionLost also if the server cannot do its work.
        """
        await self.send(*commands)
        replies = [await self.read() for _ in commands]
        for reply in replies:
            if isinstance(reply, ResponseError) and _means_lost(reply):
                raise ConnectionLost(_reason(reply))
        return replies

    async def close(self) -> None:
        """Disconnect. It does not raise."""
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._driver.disconnect()


def _pack(commands: Sequence[Command]) -> bytes:
    """Return commands in Redis' protocol; redis-py needs three times as long."""
    pieces = []
    for command in commands:
        pieces.append(b"*%d\r\n" % len(command))
        for each in command:
            argument = each if isinstance(each, bytes) else str(each).encode()
            pieces.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(pieces)


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _means_lost(error: ResponseError) -> bool:
    return isinstance(error, LOST) or any(word in str(error) for word in LOST_WORDS)
