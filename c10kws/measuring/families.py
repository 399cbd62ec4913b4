"""The families of metrics: names, kinds, labels and help texts.

The reference is generated from this table. The sets of labels are fixed: an endpoint is the pattern
of a URL or the path of an EventSocket, and never the path of a request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

COUNTER, GAUGE, HISTOGRAM = "counter", "gauge", "histogram"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. The values of several workers are added, or their ``largest`` is taken."""

    kind: str
    help: str
    labels: tuple[str, ...] = ()
    largest: bool = False


ENDPOINT, POOL, WORKER, BROKER = ("endpoint",), ("pool",), ("worker",), ("broker",)

FAMILIES: Mapping[str, Family] = {
    "c10kws_workers": Family(GAUGE, "Running workers that have had a request."),
    "c10kws_connections": Family(GAUGE, "Open WebSockets.", ENDPOINT),
    "c10kws_long_polls": Family(GAUGE, "Unfinished responses of @asynchronous views."),
    "c10kws_connections_opened": Family(COUNTER, "WebSockets that were opened.", ENDPOINT),
    "c10kws_handshakes": Family(COUNTER, "Handshakes by outcome.", ("outcome",)),
    "c10kws_closes": Family(COUNTER, "WebSockets that have ended, by close code.", ("code",)),
    "c10kws_messages_received": Family(COUNTER, "Messages from clients.", ENDPOINT),
    "c10kws_messages_sent": Family(COUNTER, "Messages to clients.", ENDPOINT),
    "c10kws_messages_dropped": Family(
        COUNTER, "Messages that were not sent: the client had left or read too slowly.", ENDPOINT
    ),
    "c10kws_bytes_received": Family(
        COUNTER, "Bytes from WebSocket clients, as the kernel counts them (Linux, TCP)."
    ),
    "c10kws_bytes_sent": Family(
        COUNTER, "Bytes to WebSocket clients, as the kernel counts them (Linux, TCP)."
    ),
    "c10kws_queued_bytes": Family(GAUGE, "Bytes that are queued for WebSocket clients."),
    "c10kws_slow_clients": Family(
        COUNTER, "Clients that were disconnected because they read slowly.", ("kind",)
    ),
    "c10kws_broker_connected": Family(GAUGE, "Workers that are connected to the broker.", BROKER),
    "c10kws_broker_reconnects": Family(
        COUNTER, "Connections to the broker that were made after the first one.", BROKER
    ),
    "c10kws_broker_published": Family(COUNTER, "Events that the broker has accepted.", BROKER),
    "c10kws_broker_received": Family(
        COUNTER, "Events from the broker, also those of the same process.", BROKER
    ),
    "c10kws_broker_failed": Family(
        COUNTER, "Events that the broker has not accepted, or not returned.", BROKER
    ),
    "c10kws_broker_delivered_locally": Family(
        COUNTER, "Events only to clients of the same process, due to ON_BROKER_DOWN.", BROKER
    ),
    "c10kws_broker_gaps": Family(
        COUNTER, "Times that a process has lost events of a channel.", BROKER
    ),
    "c10kws_broker_duplicates": Family(
        COUNTER, "Events that have arrived twice, and were delivered once.", BROKER
    ),
    "c10kws_broker_queued_bytes": Family(GAUGE, "Bytes of events that wait for a broker.", BROKER),
    "c10kws_handler_errors": Family(COUNTER, "Exceptions of handlers.", ENDPOINT),
    "c10kws_callback_errors": Family(COUNTER, "Exceptions of event callbacks.", ENDPOINT),
    "c10kws_callback_duration_seconds": Family(
        HISTOGRAM, "Durations of event callbacks.", ENDPOINT
    ),
    "c10kws_http_connections": Family(GAUGE, "Open HTTP connections, without WebSockets."),
    "c10kws_http_requests": Family(GAUGE, "HTTP requests in progress."),
    "c10kws_pool_threads": Family(GAUGE, "Maximum number of threads of a pool.", POOL),
    "c10kws_pool_busy_threads": Family(GAUGE, "Threads that run a job.", POOL),
    "c10kws_pool_queued_jobs": Family(GAUGE, "Jobs that wait for a thread.", POOL),
    "c10kws_pool_jobs": Family(COUNTER, "Jobs that were started.", POOL),
    "c10kws_pool_refused_jobs": Family(COUNTER, "Jobs refused by a full queue.", POOL),
    "c10kws_pool_wait_seconds": Family(COUNTER, "Time that jobs have waited for a thread.", POOL),
    "c10kws_loop_lag_seconds": Family(
        GAUGE, "Delay of the event loop at the last check.", WORKER, largest=True
    ),
    "c10kws_gc_pauses": Family(
        COUNTER, "Collections of Python's garbage collector.", ("generation",)
    ),
    "c10kws_gc_pause_seconds": Family(
        COUNTER, "Time spent in garbage collections.", ("generation",)
    ),
    "c10kws_gc_longest_pause_seconds": Family(
        GAUGE, "Longest garbage collection of a worker since its start.", largest=True
    ),
}
