"""The directive ``autobrokers``: a table of the brokers and their features, from the classes."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from pkgutil import iter_modules

from generated import Generated, table
from sphinx.application import Sphinx

from c10kws.events.brokers.base import Broker, Feature

PACKAGE = "c10kws.events.brokers"


def find_brokers() -> dict[str, type[Broker]]:
    """Return the brokers by the paths that BACKEND names, those with the fewest features first."""
    found = {
        f"{PACKAGE}.{module}.{name}": thing
        for _, module, _ in iter_modules(import_module(PACKAGE).__path__)
        for name, thing in vars(import_module(f"{PACKAGE}.{module}")).items()
        if is_broker(thing) and f"{thing.__module__}.".startswith(f"{PACKAGE}.{module}.")
    }
    return dict(sorted(found.items(), key=lambda item: len(item[1].features)))


def is_broker(thing: object) -> bool:
    """Return True for a class of brokers that is not abstract."""
    return inspect.isclass(thing) and issubclass(thing, Broker) and not inspect.isabstract(thing)


def feature_rows(brokers: Mapping[str, type[Broker]]) -> list[list[str]]:
    """Return a row for each feature, with "yes" or "no" for each broker."""
    return [
        [
            f"{feature.value[0].upper()}{feature.value[1:]}",
            *("yes" if feature in each.features else "no" for each in brokers.values()),
        ]
        for feature in Feature
    ]


class BrokerTable(Generated):
    """``.. autobrokers::``"""

    def lines(self) -> Iterator[str]:
        """Yield a table with a row for each feature and a column for each broker."""
        brokers = find_brokers()
        names = [f":class:`{each.__name__} <{path}>`" for path, each in brokers.items()]
        return table(("Feature", *names), feature_rows(brokers))


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("autobrokers", BrokerTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
