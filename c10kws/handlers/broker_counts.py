"""``BrokerCounts``: what the broker of one alias has done in this process."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BrokerCounts:
    """Written by the thread of the broker's connection, and read by the metrics."""

    connected: bool = False
    queued_bytes: int = 0
    reconnects: int = 0
    published: int = 0
    received: int = 0
    failed: int = 0
    delivered_locally: int = 0
    gaps: int = 0
    duplicates: int = 0
