"""``path("ws/", include("c10kws.events.urls"))``: every EventSocket at its path.

The list is made at each access, since a ``views.py`` may define EventSockets after this module was
imported. EventSockets with ``add_to_handlers=False`` are left out.

``reverse("c10kws:/")`` is the path of the include itself, which ``{% c10kws_client %}`` writes into
the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, overload

from django.urls import ResolverMatch, URLPattern, path
from django.urls.resolvers import RoutePattern
from django.views.defaults import page_not_found

from . import paths

app_name = "c10kws"


class _Prefix(URLPattern):
    """The path of the include, for ``reverse`` only; a request matches the paths below it."""

    def __init__(self) -> None:
        super().__init__(RoutePattern("", name="/", is_endpoint=True), page_not_found, name="/")

    def resolve(self, path: str) -> ResolverMatch | None:
        """Match nothing."""
        return None


class _Patterns(Sequence[URLPattern]):
    _prefix = _Prefix()

    def __iter__(self) -> Iterator[URLPattern]:
        yield self._prefix
        for endpoint in paths.endpoints():
            if endpoint.add_to_handlers:
                yield from _patterns_of(endpoint)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @overload
    def __getitem__(self, index: int) -> URLPattern: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[URLPattern]: ...
    def __getitem__(self, index: Any) -> Any:
        return list(self)[index]


@cache
def _patterns_of(endpoint: paths.Endpoint) -> list[URLPattern]:
    """Return patterns with and without a final slash; ``reverse("c10kws:chat")`` has none.

    A colon in a name would separate a namespace, so ``chat/<slug:room>`` is named ``chat/<room>``.
    """
    route = endpoint.path.strip("/")
    name = re.sub(r"<[^<>:]+:", "<", route)
    return [path(f"{route}/", endpoint), path(route, endpoint, name=name)]


urlpatterns = _Patterns()
