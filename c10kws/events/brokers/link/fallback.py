"""``Fallback``: ends messages that the broker has not accepted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic

from .... import conf
from ....handlers.broker_counts import BrokerCounts
from ....handlers.servers import servers
from ...exceptions import BrokerUnavailable
from ..message import Arrival
from ..receivers import Receivers
from .commands import Publish, Sending

logger = logging.getLogger("c10kws.brokers")

#: Seconds between log lines about messages that have failed.
LOG_INTERVAL = 10.0


class Fallback:
    """Fails a message, or delivers it only to this process, depending on ON_BROKER_DOWN."""

    def __init__(self, alias: str, receivers: Receivers, counts: BrokerCounts) -> None:
        self._alias = alias
        self._receivers = receivers
        self._logged = float("-inf")
        self._unlogged = 0
        self._local: dict[str, None] = {}  # its methods are atomic
        self._counts = counts
        self._lock = threading.Lock()

    def handle(self, sending: Sending, reason: str) -> None:
        """End a message that was not sent, or of which it is not known whether it arrived."""
        if isinstance(sending, Publish) and self._is_local(sending):
            with self._lock:
                self._counts.delivered_locally += 1
            self._local[sending.channel] = None
            self._receivers.deliver(sending.channel, Arrival(sending.message), sending.emission)
            return
        error = BrokerUnavailable(self._alias, reason)
        sending.fail(error)
        with self._lock:
            self._counts.failed += 1
            self._unlogged += 1
            self._log(error)

    def _log(self, error: BrokerUnavailable) -> None:
        if monotonic() - self._logged > LOG_INTERVAL:
            logger.error("Events that could not be sent: %d. %s", self._unlogged, error)
            self._logged, self._unlogged = monotonic(), 0

    def pop_local(self) -> Iterator[str]:
        """Remove and yield channels with messages that only this process has delivered."""
        with suppress(KeyError):
            while True:
                yield self._local.popitem()[0]

    def _is_local(self, publish: Publish) -> bool:
        """Return True for a message that this process delivers; without clients, it fails."""
        local = conf.current().on_broker_down == "local"
        return local and publish.limits is None and servers.serving
