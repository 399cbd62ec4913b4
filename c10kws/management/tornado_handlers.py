"""Tornado's own handlers, in front of Django on the same server: the setting ``TORNADO``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings

from c10kws_tornado import describe_rules, make_application

from ..tornado_setting import NAME, DjangoApp

if TYPE_CHECKING:
    from tornado.web import Application

DEFAULT_PORT = 8000


def port() -> int:
    """Return the port that ``runtornado`` listens on without an argument."""
    number: int = _setting().get("port", DEFAULT_PORT)
    return number


def wants_reload() -> bool:
    """Return True if ``runtornado`` should reload: Tornado's ``autoreload``, else its ``debug``."""
    options = _setting().get("settings", {})
    return bool(options.get("autoreload", options.get("debug")))


def application() -> Application | None:
    """Return Tornado's application, which responds before Django; None if it has no rules.

    Django comes last, whatever the position of ``django_app``.
    """
    setting = _setting()
    rows = [row for row in setting.get("handlers", ()) if not isinstance(row, DjangoApp)]
    made = make_application(rows, setting.get("settings", {}))
    return made if made.wildcard_router.rules else None


def describe() -> Iterator[str]:
    """Yield the lines that a command prints about ``TORNADO``: only names, no secrets."""
    made = application()
    if made is not None:
        rules = [*describe_rules(made), ("everything else", "Django")]
        width = max(len(pattern) for pattern, _ in rules)
        yield "Tornado's handlers, asked in this order:"
        yield from (f"  {pattern:{width}}  {target}".rstrip() for pattern, target in rules)
    names = _setting().get("settings", {})
    if names:
        yield f"Tornado's settings: {', '.join(names)}."


def _setting() -> Mapping[str, Any]:
    value: Mapping[str, Any] = getattr(settings, NAME, {})
    return value
