"""``statistics``: the sums of this process, for metrics and for ``manage.py ws stats``.

Nothing is counted for each message: a connection has its own numbers, which are added here when it
has ended. The numbers of open connections are added when the metrics are gathered.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from ..protocol.closing import CloseCode
from .broker_counts import BrokerCounts

#: Names of endpoints beyond this number are counted together: a snapshot is at most 64 KiB.
MAX_ENDPOINTS = 100
OTHER = "other"
#: Upper limits, in seconds, of the classes of durations of callbacks.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: The outcome of a handshake that was answered with an HTTP status; others have the hundred's.
_OUTCOMES = {
    400: "invalid",
    405: "invalid",
    426: "invalid",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    429: "limited",
    503: "limited",
}
_HUNDREDS = {3: "redirected", 4: "refused", 5: "failed"}
#: Key of ``environ`` that marks a refused handshake as counted.
COUNTED = "c10kws.counted"


@dataclass(slots=True)
class Totals:
    """Sums over the connections of an endpoint."""

    connections: int = 0
    received: int = 0
    sent: int = 0
    dropped: int = 0


@dataclass(slots=True)
class Durations:
    """Numbers of durations up to each of BUCKETS, and above; and their sum in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a duration."""
        place = next((i for i, limit in enumerate(BUCKETS) if seconds <= limit), len(BUCKETS))
        self.counts[place] += 1
        self.seconds += seconds


class Statistics:
    """Sums since the start of the process; all methods may be called from any thread."""

    def __init__(self) -> None:
        #: True measures what costs time: the durations of callbacks, the bytes of connections.
        self.detailed = False
        self.handshakes: Counter[str] = Counter()
        self.closes: Counter[str] = Counter()
        self.ended: dict[str, Totals] = {}
        self.bytes_received = self.bytes_sent = 0
        self.handler_errors: Counter[str] = Counter()
        self.callback_errors: Counter[str] = Counter()
        self.callbacks: dict[str, Durations] = {}
        self.brokers: dict[str, BrokerCounts] = {}
        self._endpoints: set[str] = set()
        self._lock = threading.Lock()

    def name(self, endpoint: str) -> str:
        """Return the name under which an endpoint is counted."""
        if endpoint not in self._endpoints:
            if len(self._endpoints) >= MAX_ENDPOINTS:
                return OTHER
            self._endpoints.add(endpoint)
        return endpoint

    def broker(self, alias: str) -> BrokerCounts:
        """Return the numbers of a broker."""
        with self._lock:
            return self.brokers.setdefault(alias, BrokerCounts())

    def count_handshake(self, outcome: str) -> None:
        """Count a handshake by its outcome."""
        with self._lock:
            self.handshakes[outcome] += 1

    def count_end(self, endpoint: str, code: int | None, totals: Totals) -> None:
        """Count a connection that has ended, and its messages."""
        with self._lock:
            self.closes[label_of_code(code)] += 1
            ended = self.ended.setdefault(self.name(endpoint), Totals())
            ended.connections += totals.connections
            ended.received += totals.received
            ended.sent += totals.sent
            ended.dropped += totals.dropped

    def count_bytes(self, received: int, sent: int) -> None:
        """Count the bytes of a connection whose socket is about to be closed."""
        with self._lock:
            self.bytes_received += received
            self.bytes_sent += sent

    def count_handler_error(self, endpoint: str) -> None:
        """Count an exception of a handler."""
        with self._lock:
            self.handler_errors[self.name(endpoint)] += 1

    def count_callback_error(self, endpoint: str) -> None:
        """Count an exception of a callback."""
        with self._lock:
            self.callback_errors[self.name(endpoint)] += 1

    def count_callback(self, endpoint: str, seconds: float) -> None:
        """Count the duration of a callback."""
        with self._lock:
            self.callbacks.setdefault(self.name(endpoint), Durations()).add(seconds)


def outcome_of(status: int) -> str:
    """Return the outcome of a handshake that was answered with an HTTP status."""
    return _OUTCOMES.get(status) or _HUNDREDS.get(status // 100, "refused")


def label_of_code(code: int | None) -> str:
    """Return a close code of RFC 6455, or the thousand of another one, which a peer may choose."""
    if code is None:
        return str(int(CloseCode.ABNORMAL_CLOSURE))
    if code in CloseCode.__members__.values():
        return str(int(code))
    return f"{code // 1000}xxx"


#: The sums of this process.
statistics = Statistics()
