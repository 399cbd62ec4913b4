"""``RedisOptions``: the OPTIONS of a ``RedisBroker``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from django.core.exceptions import ImproperlyConfigured
from django.utils.crypto import salted_hmac
from redis.asyncio import Connection, Sentinel
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from ..link.connection import ConnectionLost
from .raw import Driver, RawConnection

URL = "redis://localhost:6379/0"
#: Default name of the master in the configuration of the Sentinels.
SERVICE = "mymaster"
#: Seconds in which a TCP connection must be made, and in which a Sentinel must answer.
CONNECT_TIMEOUT = 4.0
SENTINEL_TIMEOUT = 2.0
KEYS = {"url", "prefix", "connection", "sentinels", "service", "sentinel_connection"}


class RedisOptions:
    """How to connect to the server, and the prefix of all names in it."""

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        if unknown := set(options) - KEYS:
            raise ImproperlyConfigured(
                f"C10KWS['BROKERS'][{alias!r}]['OPTIONS'] has unknown keys: {sorted(unknown)}; "
                f"use any of: {', '.join(sorted(KEYS))}."
            )
        self.prefix: str = options.get("prefix") or default_prefix()
        self._sentinels: Sequence[tuple[str, int]] = options.get("sentinels", ())
        self._service: str = options.get("service", SERVICE)
        self._sentinel_connection = {
            "socket_timeout": SENTINEL_TIMEOUT,
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            **options.get("sentinel_connection", {}),
            "retry": Retry(NoBackoff(), 0),
        }
        try:
            arguments = dict(parse_url(options.get("url", URL)))
        except ValueError as error:
            raise ImproperlyConfigured(
                f"C10KWS['BROKERS'][{alias!r}]['OPTIONS']['url']: {error}."
            ) from error
        self._class = cast(Callable[..., Driver], arguments.pop("connection_class", Connection))
        self._arguments = arguments | options.get("connection", {})

    async def find_server(self) -> Callable[[], RawConnection]:
        """Return a function that creates connections to the server.

        If there are Sentinels, ask them for the master. Raises ConnectionLost if none of them knows
        it.
        """
        place: dict[str, Any] = {}
        if self._sentinels:
            place["host"], place["port"] = await self._ask_sentinels()
        return lambda: self._make(place)

    def _make(self, place: Mapping[str, Any]) -> RawConnection:
        arguments = {"socket_connect_timeout": CONNECT_TIMEOUT, **self._arguments, **place}
        driver = self._class(
            **arguments
            | {
                # Nothing may be sent twice, so there are no retries. The link has its own timeouts.
                "socket_timeout": None,
                "retry": Retry(NoBackoff(), 0),
                "retry_on_timeout": False,
                "health_check_interval": 0,
                "decode_responses": False,
                "protocol": 2,  # messages and replies have the same form
            }
        )
        return RawConnection(driver)

    async def _ask_sentinels(self) -> tuple[str, int]:
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            self._sentinels, sentinel_kwargs=self._sentinel_connection
        )
        try:
            host, port = await sentinel.discover_master(self._service)
        except (RedisError, OSError) as error:
            raise ConnectionLost(str(error)) from error
        finally:
            for client in sentinel.sentinels:
                await client.aclose()
        return host, port


def default_prefix() -> str:
    """Return a prefix that sites with different SECRET_KEYs do not share."""
    return f"c10kws:{salted_hmac('c10kws.events.brokers.redis', 'prefix').hexdigest()[:12]}:"
