"""Emitted events as text: JSON-serializable data, by Django's encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string

from .. import conf
from . import envelope
from .exceptions import InvalidInstanceError

Data = Mapping[str, Any] | str | None


def encode_event(
    event: str,
    data: Data,
    *,
    refused: frozenset[str] = envelope.OF_THE_CONNECTION,
    **extra: int | str,
) -> str:
    """Return the frame of an application's event. Names in ``refused`` are not allowed.

    Raises ValueError for a name that is the protocol's own or too long,
    :exc:`InvalidInstanceError` for data that is neither a mapping nor a str.
    """
    if not isinstance(event, str):
        raise InvalidInstanceError(event, "the name of an event")
    if not event or len(event) > envelope.MAX_EVENT_LENGTH:
        limit = envelope.MAX_EVENT_LENGTH
        raise ValueError(f"expected an event's name of 1 to {limit} characters, not {event!r}")
    if event.startswith(envelope.RESERVED_PREFIX) or event in refused:
        raise ValueError(f"expected a name of your own: {event!r} is the protocol's")
    return encode(event, as_object(data), **extra)


def as_object(data: Data) -> dict[str, Any]:
    """Return data as an object: None is ``{}`` and a str is ``{"message": …}``."""
    if data is None:
        return {}
    if isinstance(data, str):
        return {"message": data}
    if isinstance(data, Mapping):
        return dict(data)
    raise InvalidInstanceError(data, "a dict or a str as data")


def encode(event: str, data: object, **extra: int | str) -> str:
    """Return any frame. Raises TypeError for what JSON cannot say, ValueError for NaN."""
    return envelope.encode(event, data, encoder=_encoder(conf.current().json_encoder), **extra)


@lru_cache
def _encoder(path: str) -> type[json.JSONEncoder]:
    """Return the project's encoder, which also knows that a Socket is its id."""
    from .socket import Socket

    base: type[json.JSONEncoder] = import_string(path)

    class Encoder(base):  # type: ignore[misc,valid-type]
        def default(self, o: Any) -> Any:
            return o.id if isinstance(o, Socket) else super().default(o)

    return Encoder
