"""Pages that show whether WebSockets and forms get through a server and what stands before it.

In the URLconf: ``path("test/", include("c10kws.testpages"))``.
"""

from __future__ import annotations

from typing import Any

app_name = "c10kws-testpages"


def __getattr__(name: str) -> Any:
    """Make the package itself includable; the views are imported when ``include`` asks."""
    if name == "urlpatterns":
        from .urls import urlpatterns

        return urlpatterns
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
