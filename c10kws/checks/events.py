"""System checks of the event layer.

=========== ====================================================================
c10kws.W002 an EventSocket that no URL reaches
=========== ====================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from inspect import unwrap
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register
from django.urls import URLResolver, get_resolver

from ..events import registry
from ..events.endpoint import EventSocket


@register(Tags.urls)
def check_endpoints(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Every EventSocket has a URL, unless it was made with ``add_to_handlers=False``."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    reached = set(_callbacks(get_resolver()))  # the URLconf may make some
    return [
        _unreached(endpoint)
        for endpoint in registry.endpoints()
        if endpoint.add_to_handlers and endpoint not in reached
    ]


def _callbacks(resolver: URLResolver) -> Iterator[EventSocket]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern)
        elif isinstance(view := unwrap(pattern.callback), EventSocket):  # decorated or not
            yield view


def _unreached(endpoint: EventSocket) -> CheckMessage:
    return Warning(
        f"No URL reaches the EventSocket {endpoint.path!r}, made in {endpoint.origin}.",
        hint='Add path("ws/", include("c10kws.events.urls")) to the urlpatterns of '
        f"{settings.ROOT_URLCONF}, or a path of its own with the EventSocket as the view; "
        "add_to_handlers=False says that it needs none.",
        id="c10kws.W002",
    )
