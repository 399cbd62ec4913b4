"""System checks of the event layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import unwrap
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, register
from django.urls import URLResolver, get_resolver

from ..events import paths
from ..events.endpoint import EventSocket
from .catalogue import UNREACHED_ENDPOINT


@register(Tags.urls)
def check_endpoints(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that every EventSocket without ``add_to_handlers=False`` has a URL."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    reached = set(_callbacks(get_resolver()))  # the URLconf may define some
    return [
        UNREACHED_ENDPOINT(
            path=endpoint.path, place=endpoint.defined_at, urlconf=settings.ROOT_URLCONF
        )
        for endpoint in paths.endpoints()
        if endpoint.add_to_handlers and endpoint not in reached
    ]


def _callbacks(resolver: URLResolver) -> Iterator[EventSocket]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern)
        elif isinstance(view := unwrap(pattern.callback), EventSocket):  # decorated or not
            yield view
