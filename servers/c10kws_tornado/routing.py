"""A ``tornado.web.Application`` made from settings, and a description of its rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tornado.routing import HostMatches, Matcher, PathMatches, Rule, RuleRouter
from tornado.web import Application


def make_application(handlers: Iterable[Any], settings: Mapping[str, Any]) -> Application:
    """Return ``Application(handlers, **settings)`` without ``autoreload``.

    Tornado's autoreload, which ``debug`` enables, would restart the process when a file changes,
    without closing its connections. Raises Tornado's exceptions: ImportError for the name of a
    handler, AssertionError or ``re.error`` for a pattern.
    """
    return Application(list(handlers), **{**settings, "autoreload": False})


def describe_rules(application: Application) -> Iterator[tuple[str, str]]:
    """Yield the pattern and the target of each rule, in the order in which they are tried."""
    return _describe(application.wildcard_router, "")


def _describe(router: RuleRouter, indent: str) -> Iterator[tuple[str, str]]:
    for rule in router.rules:
        pattern = indent + _pattern_of(rule.matcher)
        if isinstance(rule.target, RuleRouter):
            yield pattern, ""
            yield from _describe(rule.target, indent + "  ")
        else:
            yield pattern, _target_of(rule)


def _pattern_of(matcher: Matcher) -> str:
    if isinstance(matcher, PathMatches):
        return matcher.regex.pattern.removesuffix("$")
    if isinstance(matcher, HostMatches):
        return "host " + matcher.host_pattern.pattern.removesuffix("$")
    return type(matcher).__name__


def _target_of(rule: Rule) -> str:
    named = rule.target if hasattr(rule.target, "__qualname__") else type(rule.target)
    return f"{named.__module__}.{named.__qualname__}"
