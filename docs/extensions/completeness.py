"""Warn of settings, limits, system checks, brokers and public names that no page has."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import fields
from importlib import import_module

from broker_table import find_brokers
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging

from c10kws import WebSocket, conf
from c10kws.checks import catalogue
from c10kws_tornado import Limits

logger = logging.getLogger(__name__)

#: Modules whose public names must be on a page.
PUBLIC_MODULES = (
    "c10kws",
    "c10kws.events",
    "c10kws.exceptions",
    "c10kws.longpoll",
    "c10kws.metrics",
    "c10kws.refusals",
    "c10kws.signals",
    "c10kws.test",
    "c10kws_tornado",
)
#: A class all of whose public attributes must be on a page.
PUBLIC_CLASS = "c10kws.WebSocket"


def public_names(path: str) -> list[str]:
    """Return the public names of a module: ``__all__``, or the classes that it defines."""
    module = import_module(path)
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_") and inspect.isclass(thing) and thing.__module__ == path
    ]


def undocumented(env: BuildEnvironment) -> Iterator[str]:
    """Yield what the code has and no page names."""
    objects = {
        (domain.name, kind, name)
        for domain in env.domains.sorted()
        for name, _, kind, *_ in domain.get_objects()
    }
    expected = [("setting", key) for key in conf.KEYS]
    expected += [("limit", field.name) for field in fields(Limits)]
    expected += [("check", check.id) for check in catalogue.CHECKS]
    for kind, name in expected:
        if ("std", kind, name) not in objects:
            yield f"the {kind} {name}"
    documented = {name for domain, _, name in objects if domain == "py"}
    for path in PUBLIC_MODULES:
        for name in public_names(path):
            if not documented & {f"{place}.{name}" for place in PUBLIC_MODULES}:
                yield f"the name {path}.{name}"
    for path in find_brokers():
        if path not in documented:
            yield f"the broker {path}"
    for name in dir(WebSocket):
        if not name.startswith("_") and f"{PUBLIC_CLASS}.{name}" not in documented:
            yield f"the attribute {PUBLIC_CLASS}.{name}"


def unknown(env: BuildEnvironment) -> Iterator[str]:
    """Yield attributes that a page has and the code has not."""
    for name, *_ in env.domains["py"].get_objects():
        owner, _, attribute = name.rpartition(".")
        if owner == PUBLIC_CLASS and not hasattr(WebSocket, attribute):
            yield name


def check(app: Sphinx, env: BuildEnvironment) -> None:
    """Warn of what no page names."""
    for thing in undocumented(env):
        logger.warning("no page of the reference has %s", thing)
    for name in unknown(env):
        logger.warning("a page of the reference has %s, which does not exist", name)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the check to the end of reading."""
    app.connect("env-check-consistency", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
