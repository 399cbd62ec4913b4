"""System checks of ``TORNADO``: Tornado's own handlers in front of Django.

The rows are checked without Tornado: a project that another server serves does not load it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, register
from django.utils.module_loading import import_string

from ..tornado_setting import NAME, DjangoApp
from .catalogue import BAD_ROW, BAD_TORNADO, UNKNOWN_TORNADO

SHAPE = 'TORNADO = {"port": 8000, "handlers": [...], "settings": {...}}'
ROW = '(r"/path/(.*)", "package.module.Handler", {"argument": value}, "name")'
#: Matches a name and a slash, as in the ``STATIC_URL`` of a new project.
RELATIVE = re.compile(r"\^?[\w-]+/")


@register
def check_tornado(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the keys, types and rows of ``TORNADO``."""
    own = getattr(settings, NAME, {})
    if not isinstance(own, Mapping):
        return [_error("", f"must be a dictionary, not {own!r}", SHAPE)]
    return [
        message
        for key, value in own.items()
        for message in (CHECKS[key](value) if key in CHECKS else _check_key(key))
    ]


def _error(key: str, fault: str, example: str) -> CheckMessage:
    return BAD_TORNADO(key=f"[{key!r}]" if key else "", fault=fault, example=example)


def _check_key(key: object) -> Iterator[CheckMessage]:
    if matches := get_close_matches(str(key).lower(), CHECKS, n=1):
        yield UNKNOWN_TORNADO(key=key, match=matches[0])
    else:
        yield UNKNOWN_TORNADO(key=key, hint=f"Known keys: {', '.join(CHECKS)}.")


def _check_port(value: object) -> Iterator[CheckMessage]:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 65536:
        yield _error("port", f"must be a number from 0 to 65535, not {value!r}", '"port": 8000')


def _check_settings(value: object) -> Iterator[CheckMessage]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        fault = f"must be a dictionary with names as its keys, not {value!r}"
        yield _error("settings", fault, '"settings": {"debug": True}')
    elif "handlers" in value:
        fault = "has 'handlers', which belong in TORNADO['handlers']"
        yield _error("settings", fault, SHAPE)


def _check_handlers(value: object) -> Iterator[CheckMessage]:
    if not isinstance(value, list | tuple):
        yield _error("handlers", f"must be a list, not {value!r}", f'"handlers": [{ROW}]')
        return
    for number, row in enumerate(value):
        fault = None if isinstance(row, DjangoApp) else _fault_of(row)
        if fault is not None:
            yield BAD_ROW(number=number, fault=fault, example=ROW)


CHECKS: Mapping[str, Callable[[object], Iterator[CheckMessage]]] = {
    "port": _check_port,
    "handlers": _check_handlers,
    "settings": _check_settings,
}


def _fault_of(row: object) -> str | None:
    """Return the fault of a row; None if Tornado accepts it."""
    if hasattr(row, "matcher") and hasattr(row, "target"):
        return None  # a Rule or URLSpec, which has checked its arguments
    if not isinstance(row, list | tuple):
        return f"must be a tuple or a URLSpec, not {row!r}"
    if not 2 <= len(row) <= 4:
        return f"must have 2 to 4 parts, not the {len(row)} of {row!r}"
    pattern, target, arguments, name = (*row, None, None)[:4]
    return (
        _fault_of_pattern(pattern)
        or _fault_of_target(target)
        or _fault_of_type("third", arguments, Mapping, "a dictionary of arguments")
        or _fault_of_type("last", name, str, "a name")
    )


def _fault_of_pattern(pattern: object) -> str | None:
    if not isinstance(pattern, str | re.Pattern):
        if hasattr(pattern, "match"):
            return None  # a Matcher
        return f"must begin with a pattern of the path, not {pattern!r}"
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        return f"has a pattern that is not a regular expression, {pattern!r}: {error}"
    text = str(compiled.pattern)
    if RELATIVE.match(text) and "|" not in text:
        return f"has the pattern {pattern!r}, which matches no path: a path begins with a slash"
    if len(compiled.groupindex) not in (0, compiled.groups):
        return f"must name all groups of its pattern {pattern!r}, or none"
    return None


def _fault_of_target(target: object) -> str | None:
    if isinstance(target, str):
        try:
            target = import_string(target)
        except ImportError as error:
            return f"names a handler that cannot be imported, {target!r}: {error}"
    if isinstance(target, list | tuple):
        faults = ((n, _fault_of(row)) for n, row in enumerate(target))
        found = (f"has rows of its own, and [{n}] {fault}" for n, fault in faults if fault)
        return next(found, None)
    if not callable(target) and not hasattr(target, "start_request"):
        return f"must have a handler as its second part, a class or its name, not {target!r}"
    return None


def _fault_of_type(position: str, value: object, kind: type, right: str) -> str | None:
    if value is None or isinstance(value, kind):
        return None
    return f"must have {right} as its {position} part, not {value!r}"
