"""The brokers of this process, by the aliases of the setting BROKERS."""

from __future__ import annotations

from .base import Broker
from .memory import MemoryBroker

DEFAULT = "default"


class Brokers:
    """One broker for each alias, made when it is used first."""

    def __init__(self) -> None:
        self._memory = MemoryBroker(DEFAULT, {})

    def __getitem__(self, alias: str) -> Broker:
        return self._memory


brokers = Brokers()
