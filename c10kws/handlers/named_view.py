"""``NamedView``: the view of a connection, as the sender of signals and as a label."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.http import HttpRequest

#: Label of a view that is called without a URLconf.
NO_ROUTE = "-"


@dataclass(frozen=True, slots=True)
class NamedView:
    """A view and the name of its endpoint. One for all of its connections.

    ``sender`` is the view in the URLconf with all of its decorators, the class of a class-based
    view, or the EventSocket. ``endpoint`` is the pattern of the URL or the path of the EventSocket,
    so the number of names is fixed.
    """

    sender: Any
    endpoint: str


def named_view_of(request: HttpRequest, endpoint: Any) -> NamedView:
    """Return the view of a request; ``endpoint`` is its EventSocket, or None."""
    if endpoint is not None:
        return _make(endpoint, str(endpoint.path))
    match = request.resolver_match
    if match is None:
        return NO_VIEW
    return _make(getattr(match.func, "view_class", match.func), match.route or NO_ROUTE)


@lru_cache(maxsize=1024)
def _make(sender: Any, endpoint: str) -> NamedView:
    return NamedView(sender, endpoint)


NO_VIEW = NamedView(None, NO_ROUTE)
