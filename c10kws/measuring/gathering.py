"""``Gatherer``: the values of this process at one moment, from where they are counted.

It runs in a thread. With 10,000 connections it takes about 20 ms, in which it lets other threads
run.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import fields

from ..connection.connection import Connection
from ..connection.loop import slow_clients_closed
from ..connection.total_queue import total_queue
from ..handlers.kernel_bytes import bytes_of
from ..handlers.server_state import ServerState
from ..handlers.servers import servers
from ..handlers.statistics import Statistics, Totals, statistics
from .garbage_pauses import garbage_pauses
from .snapshots import unpack
from .values import Values


class Gatherer:
    """Gathers the values of this process. Its counters never fall."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = Values()
        self._inherited = Values()

    def inherit(self, snapshot: bytes) -> None:
        """Continue the counters of the worker that had the slot before."""
        before = unpack(snapshot).values
        with self._lock:
            self._inherited.update(before, gauges=False)

    def keep(self, state: ServerState) -> None:
        """Keep the counters of a server that has stopped."""
        values = Values()
        _add_server(values, state)
        with self._lock:
            self._inherited.update(values, gauges=False)

    def gather(self) -> Values:
        """Return the current values; from any thread but the loop's."""
        with self._lock:
            values = Values()
            values.update(self._inherited)
            _add_sums(values, statistics)  # first: a connection may end in the meantime
            for state in list(servers.running):
                _add_connections(values, state)
                _add_server(values, state)
            _add_process(values)
            values.keep_from_falling(self._last)
            self._last = values
            return values


def _add_sums(values: Values, sums: Statistics) -> None:
    """Add what has ended."""
    counters: list[tuple[str, Counter[str]]] = [
        ("c10kws_handshakes", sums.handshakes),
        ("c10kws_closes", sums.closes),
        ("c10kws_handler_errors", sums.handler_errors),
        ("c10kws_callback_errors", sums.callback_errors),
    ]
    for name, counts in counters:
        for label, count in counts.copy().items():
            values.add(name, count, label)
    for endpoint, totals in sums.ended.copy().items():
        _add_totals(values, endpoint, totals)
    for endpoint, durations in sums.callbacks.copy().items():
        value: list[float] = [*durations.counts, durations.seconds]
        values.add("c10kws_callback_duration_seconds", value, endpoint)
    for alias, broker in sums.brokers.copy().items():
        for field in fields(broker):
            values.add(f"c10kws_broker_{field.name}", int(getattr(broker, field.name)), alias)
    if sums.detailed:
        values.add("c10kws_bytes_received", sums.bytes_received)
        values.add("c10kws_bytes_sent", sums.bytes_sent)


def _add_totals(values: Values, endpoint: str, totals: Totals) -> None:
    values.add("c10kws_connections_opened", totals.connections, endpoint)
    values.add("c10kws_messages_received", totals.received, endpoint)
    values.add("c10kws_messages_sent", totals.sent, endpoint)
    values.add("c10kws_messages_dropped", totals.dropped, endpoint)


def _add_connections(values: Values, state: ServerState) -> None:
    """Add the connections of a server that are open."""
    open_ones: dict[str, Totals] = {}
    long_polls = received = sent = 0
    for client in state.each_client():
        if not isinstance(client, Connection):
            long_polls += 1
            continue
        facts, transport = client.facts, client.sender.cork.transport
        if facts is None or facts.counted:
            continue
        totals = open_ones.setdefault(statistics.name(facts.endpoint), Totals())
        totals.connections += 1
        totals.received += client.inbox.received
        totals.sent += client.sender.sent
        totals.dropped += client.sender.dropped
        if transport is not None and statistics.detailed:
            of_one = bytes_of(transport)
            received, sent = received + of_one[0], sent + of_one[1]
    for endpoint, totals in open_ones.items():
        values.add("c10kws_connections", totals.connections, endpoint)
        _add_totals(values, endpoint, totals)
    values.add("c10kws_long_polls", long_polls)
    if statistics.detailed:
        values.add("c10kws_bytes_received", received)
        values.add("c10kws_bytes_sent", sent)


def _add_server(values: Values, state: ServerState) -> None:
    """Add the numbers that the server has measured."""
    if state.measure is None:
        return
    measured = state.measure()
    worker = "0" if state.workers is None else str(state.workers.index)
    values.add("c10kws_http_connections", measured.connections)
    values.add("c10kws_http_requests", measured.requests)
    values.add("c10kws_slow_clients", measured.slow_clients, "response")
    if measured.loop_lag is not None:
        values.add("c10kws_loop_lag_seconds", measured.loop_lag, worker)
    for pool, numbers in measured.pools.items():
        values.add("c10kws_pool_threads", numbers["threads"], pool)
        values.add("c10kws_pool_busy_threads", numbers["busy"], pool)
        values.add("c10kws_pool_queued_jobs", numbers["queued"], pool)
        values.add("c10kws_pool_jobs", numbers["jobs"], pool)
        values.add("c10kws_pool_refused_jobs", numbers["refused"], pool)
        values.add("c10kws_pool_wait_seconds", numbers["waited"], pool)


def _add_process(values: Values) -> None:
    values.add("c10kws_workers", 1)
    values.add("c10kws_queued_bytes", total_queue.size)
    values.add("c10kws_slow_clients", slow_clients_closed(), "websocket")
    if garbage_pauses.measuring:
        _add_garbage_pauses(values)


def _add_garbage_pauses(values: Values) -> None:
    for generation in range(len(garbage_pauses.counts)):
        label = str(generation)
        values.add("c10kws_gc_pauses", garbage_pauses.counts[generation], label)
        values.add("c10kws_gc_pause_seconds", garbage_pauses.seconds[generation], label)
    values.add("c10kws_gc_longest_pause_seconds", garbage_pauses.longest)


#: The gatherer of this process.
gatherer = Gatherer()
