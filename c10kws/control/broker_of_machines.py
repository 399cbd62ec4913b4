"""``broker_of_machines()``: the broker that carries requests between machines."""

from __future__ import annotations

from .. import conf
from ..events.brokers.base import Broker, Feature
from ..events.brokers.registry import DEFAULT, brokers


def broker_of_machines() -> Broker | None:
    """Return the first broker of the setting BROKERS that reaches other machines, if any.

    The default broker comes first. All processes of a site find the same one.
    """
    aliases = sorted(conf.current().brokers, key=lambda alias: alias != DEFAULT)
    found = (brokers[alias] for alias in aliases)
    return next((broker for broker in found if Feature.MACHINES in broker.features), None)
