"""The EventSockets of the project, one for each path."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse
from django.urls import clear_url_caches

from .exceptions import PathAlreadyUsed
from .source_line import SourceLine


class Endpoint(Protocol):
    """The parts of an EventSocket that the URLconf and the system checks use."""

    path: str
    add_to_handlers: bool
    defined_at: SourceLine

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse: ...
    def __hash__(self) -> int: ...


_lock = threading.Lock()
_endpoints: dict[str, Endpoint] = {}


def add(endpoint: Endpoint) -> None:
    """Register an EventSocket under its path. Raises :exc:`PathAlreadyUsed`."""
    with _lock:
        other = _endpoints.setdefault(endpoint.path, endpoint)
    if other is not endpoint:
        first, second = other.defined_at, endpoint.defined_at
        raise PathAlreadyUsed(endpoint.path, str(first), str(second), (first.module, second.module))
    clear_url_caches()  # ``reverse`` caches the patterns at its first call


def remove(endpoint: Endpoint) -> None:
    """Forget an EventSocket, so that its path is free again; for tests."""
    with _lock:
        if _endpoints.get(endpoint.path) is endpoint:
            del _endpoints[endpoint.path]


def endpoints() -> Iterator[Endpoint]:
    """Yield the registered EventSockets, oldest first."""
    with _lock:
        return iter(list(_endpoints.values()))
