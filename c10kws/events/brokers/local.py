"""``LocalBroker``: the broker for the processes of one machine."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from .base import Feature
from .hub.hub_connection import HubConnection
from .hub.starter import HubStarter
from .link.connection import BrokerConnection
from .linked import LinkedBroker

#: Seconds after which a hub without peers ends. Its histories survive a restart of all workers.
IDLE_TIMEOUT = 10.0


class LocalBroker(LinkedBroker):
    """Broker for the processes of one machine. A small process, the hub, carries the events."""

    features = frozenset({Feature.PROCESSES, Feature.HISTORY})

    def __init__(self, alias: str, configuration: Mapping[str, Any]) -> None:
        super().__init__(alias, configuration)
        if not hasattr(socket, "AF_UNIX"):
            raise ImproperlyConfigured(
                "LocalBroker needs Unix sockets, which this system does not have."
            )
        unknown = sorted(set(self.options) - {"idle_timeout"})
        if unknown:
            raise ImproperlyConfigured(
                f"C10KWS['BROKERS'][{alias!r}]['OPTIONS'] has unknown keys: {unknown}; use "
                "idle_timeout."
            )
        self._starter = HubStarter(alias, self.options.get("idle_timeout", IDLE_TIMEOUT))

    def connect(self) -> BrokerConnection:
        return HubConnection(self._starter.connect)
