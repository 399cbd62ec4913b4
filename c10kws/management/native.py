"""``TORNADO``: Tornado's own handlers, in front of Django on the same server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from c10kws_tornado import describe_rules, make_application

from ..marker import Marker

if TYPE_CHECKING:
    from tornado.web import Application

DEFAULT_PORT = 8000


def port() -> int:
    """Return the port that ``runtornado`` listens on without an argument."""
    number: int = _own().get("port", DEFAULT_PORT)
    return number


def wants_reload() -> bool:
    """Return True if ``runtornado`` shall reload: Tornado's setting, implied by ``debug``."""
    own = _own().get("settings", {})
    return bool(own.get("autoreload", own.get("debug")))


def application() -> Application | None:
    """Return what answers before Django; None when ``TORNADO`` has no rule for anything.

    Django answers last wherever its marker stands.
    """
    own = _own()
    rows = [row for row in own.get("handlers", ()) if not isinstance(row, Marker)]
    made = make_application(rows, own.get("settings", {}))
    return made if made.wildcard_router.rules else None


def report() -> Iterator[str]:
    """Yield the lines that a command prints about ``TORNADO``: names alone, no secrets."""
    own = _own()
    native = application()
    if native is not None:
        rules = [*describe_rules(native), ("everything else", "Django")]
        width = max(len(pattern) for pattern, _ in rules)
        yield "Tornado's handlers, asked in this order:"
        yield from (f"  {pattern:{width}}  {target}".rstrip() for pattern, target in rules)
    names = own.get("settings", {})
    if names:
        yield f"Tornado's settings: {', '.join(names)}."


def _own() -> Mapping[str, Any]:
    own: Mapping[str, Any] = getattr(settings, "TORNADO", {})
    return own
