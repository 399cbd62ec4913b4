"""The paths of the health check in the project's URLconf."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from .views import health

logger = logging.getLogger("c10kws")


def find_paths() -> tuple[str, ...]:
    """Return the paths of the health check, for the server to reserve threads for them.

    Only patterns of ``path()`` without parameters are found.
    """
    try:
        patterns = get_resolver().url_patterns
    except Exception:  # requests will report that the URLconf cannot be imported
        logger.debug("Cannot look for the health check in the URLconf.", exc_info=True)
        return ()
    return tuple(_walk(patterns, "/"))


def _walk(patterns: list[Any], prefix: str) -> Iterator[str]:
    for each in patterns:
        route = str(each.pattern)
        if not isinstance(each.pattern, RoutePattern) or "<" in route:
            continue
        if isinstance(each, URLResolver):
            yield from _walk(each.url_patterns, prefix + route)
        elif isinstance(each, URLPattern) and each.callback is health:
            yield prefix + route
