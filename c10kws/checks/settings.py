"""System checks of INSTALLED_APPS and of ``C10KWS``."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_network
from typing import Any, cast

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.checks import CheckMessage, register
from django.core.management import get_commands
from django.utils.module_loading import import_string

from .. import conf
from ..events.rooms.history_rules import Rules, read_rules
from ..protocol.negotiation import Compression
from ..protocol.rates import byte_rate, message_rate
from .catalogue import BAD_SETTING, HIDDEN_RUNSERVER, UNKNOWN_SETTING


@register
def check_runserver(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that c10kws is the first app with a ``runserver``, which Django uses."""
    winner = get_commands().get("runserver")
    names = [config.name for config in apps.get_app_configs()]
    if winner not in names or names.index(winner) >= names.index("c10kws"):
        return []
    return [HIDDEN_RUNSERVER(app=winner)]


@register
def check_settings(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check the keys and types of ``C10KWS``."""
    own = getattr(settings, conf.NAME, {})
    if not isinstance(own, Mapping):
        hint = 'Write for example C10KWS = {"THREADS": 16}.'
        return [BAD_SETTING(setting=conf.NAME, allowed="a dictionary", value=own, hint=hint)]
    return [
        message
        for key, value in own.items()
        for message in (_check_key(key) if key not in conf.KEYS else _check_value(key, value))
    ]


def _check_key(key: object) -> list[CheckMessage]:
    if matches := get_close_matches(str(key).upper(), conf.KEYS, n=1):
        return [UNKNOWN_SETTING(key=key, match=matches[0])]
    return [UNKNOWN_SETTING(key=key, hint=f"Known keys: {', '.join(conf.KEYS)}.")]


def _check_value(key: str, value: object) -> list[CheckMessage]:
    fault = _fault_of(key, value)
    if fault is None:
        return []
    setting = f"{conf.NAME}[{key!r}]"
    return [BAD_SETTING(setting=setting, allowed=fault, value=value, default=conf.KEYS[key])]


def allowed_values(key: str) -> str:
    """Return a description of the values that a key may have."""
    if key in EXPECTED:
        return EXPECTED[key][0]
    if key in conf.CHOICES:
        return " or ".join(map(repr, conf.CHOICES[key]))
    default = conf.KEYS[key]
    if isinstance(default, bool):
        return "True or False"
    number = "a number above 0" if isinstance(default, float) else "a whole number above 0"
    return f"{number} or None" if key in conf.MAY_BE_NONE else number


def _fault_of(key: str, value: object) -> str | None:
    """Return a description of the values that are allowed; None for a value that is."""
    if key in conf.MAY_BE_NONE and value is None:
        return None
    if key in EXPECTED:
        allowed, check = EXPECTED[key]
        fault = check(value)
        return None if fault is None else allowed + fault
    return None if _is_allowed(key, value) else allowed_values(key)


def _is_allowed(key: str, value: object) -> bool:
    if key in conf.CHOICES:
        return value in conf.CHOICES[key]
    default = conf.KEYS[key]
    if isinstance(default, bool):
        return isinstance(value, bool)
    kinds = (int, float) if isinstance(default, float) else int
    number = isinstance(value, kinds) and not isinstance(value, bool)
    return number and 0 < cast(float, value) < math.inf


def _fault_of_networks(value: object) -> str | None:
    if not isinstance(value, (list, tuple)):
        return ""
    for entry in value:
        try:
            ip_network(entry.strip())
        except (AttributeError, ValueError) as error:
            return f" ({error})"
    return None


def _fault_of_folder(value: object) -> str | None:
    folder = isinstance(value, (str, os.PathLike)) and os.path.isdir(value)
    right = folder and os.access(cast(str, value), os.W_OK | os.X_OK)
    return None if right else ""


def _fault_of_encoder(value: object) -> str | None:
    try:
        encoder = import_string(value) if isinstance(value, str) else None
    except ImportError:
        encoder = None
    right = isinstance(encoder, type) and issubclass(encoder, json.JSONEncoder)
    return None if right else ""


def _fault_of_compression(value: object) -> str | None:
    try:
        Compression.from_value(value)
    except (TypeError, ValueError) as error:
        return f" ({error})"
    return None


def _fault_of_message_rate(value: object) -> str | None:
    return _fault_of_rate(message_rate, value)


def _fault_of_byte_rate(value: object) -> str | None:
    return _fault_of_rate(byte_rate, value)


def _fault_of_rate(parse: Callable[[str], object], value: object) -> str | None:
    try:
        parse(str(value))
    except ValueError:
        return ""
    return None


def _fault_of_brokers(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return ""
    for alias, broker in value.items():
        if not isinstance(broker, Mapping) or not isinstance(broker.get("BACKEND"), str):
            return f" ({alias!r} has no BACKEND)"
        if unknown := broker.keys() - {"BACKEND", "OPTIONS", "TIMEOUT"}:
            return f" ({alias!r} has the unknown keys {', '.join(sorted(unknown))})"
        try:
            import_string(broker["BACKEND"])
        except ImportError as error:
            return f" ({alias!r}: {error})"
    return None


def _fault_of_history(value: object) -> str | None:
    try:
        list(read_rules(cast(Rules, value)))
    except (AttributeError, TypeError, ValueError) as error:
        return f" ({error})"
    return None


#: Keys with values of their own: a description, and a function that returns what to add to it,
#: None for an allowed value.
EXPECTED: Mapping[str, tuple[str, Callable[[object], str | None]]] = {
    "BROKERS": (
        'a dictionary such as {"default": {"BACKEND": "path.of.a.Broker", "OPTIONS": {}}}',
        _fault_of_brokers,
    ),
    "HISTORY": (
        'a dictionary such as {"chat:*": {"size": 100, "ttl": 300}}',
        _fault_of_history,
    ),
    "BYTE_RATE": ('a rate such as "64KiB/s" or "10MiB/min", or None', _fault_of_byte_rate),
    "COMPRESSION": ("True, False or a dictionary of options", _fault_of_compression),
    "TRUSTED_PROXIES": (
        'a list of addresses and networks, as ["10.0.0.1", "10.0.0.0/8"]',
        _fault_of_networks,
    ),
    "MESSAGE_RATE": ('a rate such as "20/s" or "1000/min", or None', _fault_of_message_rate),
    "JSON_ENCODER": ("the path of a json.JSONEncoder", _fault_of_encoder),
    "RUNTIME_DIR": ("a folder that exists and can be written, or None", _fault_of_folder),
    "UPLOAD_DIR": ("a folder that exists and can be written, or None", _fault_of_folder),
}
