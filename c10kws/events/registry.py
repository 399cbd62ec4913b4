"""Every EventSocket of the project, by its path."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from django.urls import clear_url_caches

from .exceptions import PathAlreadyUsed

if TYPE_CHECKING:
    from .endpoint import EventSocket

_lock = threading.Lock()
_endpoints: dict[str, EventSocket] = {}


def add(endpoint: EventSocket) -> None:
    """Remember an EventSocket. Raises :exc:`PathAlreadyUsed`."""
    with _lock:
        other = _endpoints.setdefault(endpoint.path, endpoint)
    if other is not endpoint:
        first, second = other.origin, endpoint.origin
        raise PathAlreadyUsed(endpoint.path, str(first), str(second), (first.module, second.module))
    clear_url_caches()  # ``reverse`` remembers what there was at its first call


def remove(endpoint: EventSocket) -> None:
    """Forget an EventSocket, so that its path is free; for tests."""
    with _lock:
        if _endpoints.get(endpoint.path) is endpoint:
            del _endpoints[endpoint.path]


def endpoints() -> Iterator[EventSocket]:
    """Yield those that there are now, in the order in which they were made."""
    with _lock:
        return iter(list(_endpoints.values()))
