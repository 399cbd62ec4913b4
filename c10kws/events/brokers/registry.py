"""``brokers``: the brokers of this process, by the aliases of the setting BROKERS."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from ... import conf
from ...handlers.servers import servers
from .base import Broker, Feature
from .hub.path import seems_to_run

DEFAULT = "default"
MEMORY = "c10kws.events.brokers.memory.MemoryBroker"
LOCAL = "c10kws.events.brokers.local.LocalBroker"
#: Seconds that a process which exits without :meth:`Brokers.close` waits for its brokers.
EXIT_TIMEOUT = 2.0

Configuration = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Made:
    configuration: Configuration
    broker: Broker


class Brokers:
    """One broker for each alias, created when it is used first and when its configuration changes.

    An alias without configuration is ``local`` in one of several workers, and in a process that
    does not serve while a hub is running. Such a process looks for the hub at each use, since it
    may run longer than the server. In all other processes the alias is ``memory``.

    In test runs all aliases are ``memory``, unless ``real`` is True.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[str, _Made] = {}
        self._several = False  # this process is one of several workers
        self.real = False

    def __getitem__(self, alias: str) -> Broker:
        configuration = self._find(alias)
        made = self._made.get(alias)
        if made is not None and made.configuration == configuration:
            return made.broker
        replaced = None
        with self._lock:
            made = self._made.get(alias)
            if made is None or made.configuration != configuration:
                replaced = made
                made = self._made[alias] = _Made(configuration, _make(alias, configuration))
        if replaced is not None:
            replaced.broker.close(0)
        return made.broker

    def _find(self, alias: str) -> Configuration:
        """Return the configuration of an alias."""
        configured: Mapping[str, Configuration] = conf.current().brokers
        if alias not in configured and alias != DEFAULT:
            raise ImproperlyConfigured(f"C10KWS['BROKERS'] has no broker {alias!r}.")
        if _in_test_run() and not self.real:
            return {"BACKEND": MEMORY}
        return configured.get(alias) or {"BACKEND": self._choose(alias)}

    def _choose(self, alias: str) -> str:
        """Return the default backend of an alias."""
        if self._several or (not servers.serving and seems_to_run(alias)):
            return LOCAL
        return MEMORY

    def serve_in_several(self) -> None:
        """Mark this process as one of several workers.

        Raises ImproperlyConfigured if a broker reaches only one process. The clients of the other
        workers would not get its events.
        """
        self._several = True
        for alias, configuration in conf.current().brokers.items():
            if Feature.PROCESSES not in import_string(configuration["BACKEND"]).features:
                raise ImproperlyConfigured(
                    f"C10KWS['BROKERS'][{alias!r}] reaches only one process, but there are several "
                    f"workers. Use {LOCAL}, or remove this alias."
                )

    @property
    def in_use(self) -> list[Broker]:
        """The brokers that this process has used."""
        return [made.broker for made in list(self._made.values())]

    def close(self, timeout: float) -> None:
        """Close all brokers; each sends what is queued, for at most ``timeout`` seconds."""
        for made in list(self._made.values()):
            made.broker.close(timeout)

    def forget(self) -> None:
        """Create new brokers from now on.

        Used in a forked child, which lacks the threads of its parent, and before a test, which must
        not find the histories of earlier tests.
        """
        self._lock = threading.Lock()
        self._made = {}


def _make(alias: str, configuration: Configuration) -> Broker:
    backend = import_string(configuration["BACKEND"])
    broker: Broker = backend(alias, configuration)
    return broker


def _in_test_run() -> bool:
    """Return True while Django's test environment is set up: it has an outbox for mails."""
    return hasattr(mail, "outbox")


#: The brokers of this process.
brokers = Brokers()

atexit.register(brokers.close, EXIT_TIMEOUT)

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=brokers.forget)
