"""``RedisBroker``: the broker for several machines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import Feature
from ..link.connection import BrokerConnection
from ..linked import LinkedBroker
from .options import RedisOptions
from .redis_connection import RedisConnection


class RedisBroker(LinkedBroker):
    """Broker for several machines. A Redis or Valkey server carries the events, by Pub/Sub.

    Histories are kept in Streams.
    """

    features = frozenset({Feature.PROCESSES, Feature.MACHINES, Feature.HISTORY})

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        super().__init__(alias, configuration)
        self._redis = RedisOptions(alias, self.options)

    def connect(self) -> BrokerConnection:
        return RedisConnection(self._redis)
