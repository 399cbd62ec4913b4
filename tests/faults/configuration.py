"""``Configuration``: what a fault is tried with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

REDIS = "c10kws.events.brokers.redis.RedisBroker"
LOCAL = "c10kws.events.brokers.local.LocalBroker"


@dataclass(frozen=True)
class Configuration:
    """The setting C10KWS of a process, and the times of its link that are not the defaults."""

    c10kws: Mapping[str, Any]
    link: Mapping[str, float] = field(default_factory=dict)

    def variables(self) -> dict[str, str]:
        """Return the environment variable from which the site reads it."""
        return {"C10KWS_FAULTS": json.dumps(asdict(self))}
