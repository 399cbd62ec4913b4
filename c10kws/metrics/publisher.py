"""``Publisher``: writes snapshots of this worker into the state that the workers share.

A thread does so every few seconds, and so does a scrape before it reads the snapshots of the other
workers. Therefore a later scrape, by another worker, finds no smaller number.
"""

from __future__ import annotations

import logging
import threading

from ..handlers.server_state import ServerState
from ..handlers.servers import servers
from ..handlers.statistics import statistics
from ..hijack import Workers
from ..measuring.garbage_pauses import garbage_pauses
from ..measuring.gathering import gatherer
from ..measuring.snapshots import pack
from ..measuring.values import Values

logger = logging.getLogger("c10kws")

#: Seconds between two snapshots.
INTERVAL = 5.0


class Publisher:
    """Publishes while a server of several workers runs in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._workers: Workers | None = None

    @property
    def workers(self) -> Workers | None:
        """The workers of the server that runs in this process; None if it is alone."""
        return self._workers

    def started(self, state: ServerState) -> None:
        """Begin to publish if the server has several workers."""
        if state.workers is None or self._workers is not None:
            return
        self._workers, self._stopped = state.workers, threading.Event()
        gatherer.inherit(state.workers.inherited)
        arguments = (self._stopped,)
        threading.Thread(
            target=self._run, args=arguments, name="c10kws-metrics", daemon=True
        ).start()

    def stopped(self, state: ServerState) -> None:
        """Publish for the last time."""
        gatherer.keep(state)
        if state.workers is not None and state.workers is self._workers:
            self._stopped.set()
            self.publish()
            self._workers = None

    def publish(self) -> Values:
        """Publish the current values of this process, and return them."""
        with self._lock:
            values = gatherer.gather()
            if self._workers is not None:
                self._write(self._workers, values)
            return values

    def _write(self, workers: Workers, values: Values) -> None:
        try:
            workers.publish(pack(values))
        except ValueError as error:  # longer than a slot
            logger.error("Metrics: the snapshot of this worker was not published: %s", error)

    def _run(self, stopped: threading.Event) -> None:
        while not stopped.wait(INTERVAL):
            self.publish()


#: The publisher of this process.
publisher = Publisher()


def measure_from_now_on() -> None:
    """Measure what costs time, and publish the numbers of the servers of this process."""
    if not statistics.detailed:
        statistics.detailed = True
        garbage_pauses.measure()
        servers.observe(publisher)
