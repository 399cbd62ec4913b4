"""``RawConnection``: a connection of redis-py that never reconnects and sends nothing twice.

redis-py's clients and pools reconnect by themselves. A subscription would then be interrupted
without notice, and a message could be sent twice. Therefore they are not used here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from redis.exceptions import ClusterDownError, ReadOnlyError, RedisError, ResponseError

from ..link.connection import ConnectionLost

#: The name of a command and its arguments.
Command = Sequence[str | bytes | int]

#: Seconds for closing a TLS connection.
CLOSE_TIMEOUT = 1.0
#: Errors of a server that cannot be used, for example because it has become a replica. If a script
#: fails, servers before Redis 7 send another error, which contains one of the words.
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
    """Sends commands and reads replies. All methods except ``close`` raise ConnectionLost."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    async def open(self) -> None:
        """Connect and do what the URL and the options demand, such as sending a password."""
        try:
            await self._driver.connect()
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from error

    async def send(self, *commands: Command) -> None:
        """Send commands without waiting for the replies."""
        if not self._driver.is_connected:  # redis-py would reconnect
            raise ConnectionLost("it has closed the connection")
        try:
            await self._driver.send_packed_command(_pack(commands), check_health=False)
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from error

    async def read(self) -> Any:
        """Return the next reply. An error of the server is returned, not raised."""
        try:
            return await self._driver.read_response()
        except ResponseError as error:
            return error
        except (RedisError, OSError) as error:
            raise ConnectionLost(_reason(error)) from error

    async def call(self, *commands: Command) -> list[Any]:
        """Send commands in one write, and return their replies.

        Raises ConnectionLost also if the server cannot be used.
        """
        await self.send(*commands)
        replies = [await self.read() for _ in commands]
        for reply in replies:
            if isinstance(reply, ResponseError) and _means_lost(reply):
                raise ConnectionLost(_reason(reply))
        return replies

    async def close(self) -> None:
        """Disconnect; does not raise."""
        with suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._driver.disconnect()


def _pack(commands: Sequence[Command]) -> bytes:
    """Return commands in the protocol of Redis. redis-py takes three times as long for this."""
    pieces = []
    for command in commands:
        pieces.append(b"*%d\r\n" % len(command))
        for each in command:
            argument = each if isinstance(each, bytes) else encode_name(str(each))
            pieces.append(b"$%d\r\n%b\r\n" % (len(argument), argument))
    return b"".join(pieces)


def encode_name(name: str) -> bytes:
    """Return a name, which may have any characters, as bytes."""
    return name.encode("utf-8", "surrogatepass")


def decode_name(name: bytes) -> str:
    """Undo :func:`encode_name`."""
    return name.decode("utf-8", "surrogatepass")


def _reason(error: Exception) -> str:
    return str(error).rstrip(".")


def _means_lost(error: ResponseError) -> bool:
    return isinstance(error, LOST) or any(word in str(error) for word in LOST_WORDS)
