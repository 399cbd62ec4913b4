"""Pages that test WebSockets and forms through a server and its proxies.

In the URLconf: ``path("test/", include("c10kws.testpages"))``.
"""

from __future__ import annotations

from typing import Any

app_name = "c10kws-testpages"


def __getattr__(name: str) -> Any:
    """Return the URL patterns, so that ``include`` accepts the package; other names are errors."""
    if name == "urlpatterns":
        # Only now: the command testecho imports a part of this package without the views.
        from .urls import urlpatterns

        return urlpatterns
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
