"""``LocalBroker``: the broker of the processes of one machine."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .base import Feature
from .connection import BrokerConnection
from .hub.hub_connection import HubConnection
from .hub.starter import HubStarter
from .linked import LinkedBroker

#: Seconds that a hub without peers goes on: a restart of all workers keeps its histories.
IDLE_TIMEOUT = 10.0


class LocalBroker(LinkedBroker):
    """Messages travel through a hub, a process that the first server of the machine starts.

    OPTIONS may have ``idle_timeout``: seconds that the hub goes on without any process.
    """

    features = frozenset({Feature.PROCESSES, Feature.HISTORY})

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        super().__init__(alias, configuration)
        if not hasattr(socket, "AF_UNIX"):
            raise ImproperlyConfigured("LocalBroker needs Unix sockets, which this system lacks.")
        unknown = sorted(set(self.options) - {"idle_timeout"})
        if unknown:
            raise ImproperlyConfigured(f"LocalBroker has no option {unknown[0]!r}.")
        self._starter = HubStarter(alias, self.options.get("idle_timeout", IDLE_TIMEOUT))

    def connect(self) -> BrokerConnection:
        return HubConnection(self._starter.connect)
