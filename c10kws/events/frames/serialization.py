"""Emitted events as text: JSON-serializable data, by the project's encoder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.utils.module_loading import import_string

from ... import conf
from ..exceptions import InvalidInstanceError
from . import envelope
from .fast_json import dump_object

#: Data of an emitted event.
EventData = Mapping[str, Any] | str | None


class SerializedAsId:
    """Base class of objects that are serialized to JSON as their ``id``."""

    id: str


def encode_event(
    event: str,
    data: EventData,
    *,
    refused: frozenset[str] = envelope.CONNECTION_EVENTS,
    encoder: str | None = None,
    **extra: int | str,
) -> str:
    """Return the frame of an application's event, whose name must not be in ``refused``.

    ``encoder`` and ``extra`` are those of :func:`encode`.

    Raises ValueError for a name that is reserved, empty or too long, :exc:`InvalidInstanceError`
    for data that is neither a mapping nor a str.
    """
    if not isinstance(event, str):
        raise InvalidInstanceError(event, "the name of an event")
    if not event or len(event) > envelope.MAX_EVENT_LENGTH:
        limit = envelope.MAX_EVENT_LENGTH
        raise ValueError(f"the name of an event has 1 to {limit} characters; {event!r} does not")
    if event.startswith(envelope.RESERVED_PREFIX) or event in refused:
        raise ValueError(f"the event name {event!r} is reserved; choose another name")
    return encode(event, as_object(data), encoder=encoder, **extra)


def as_object(data: EventData) -> dict[str, Any]:
    """Return data as an object: None becomes ``{}`` and a str ``{"message": …}``."""
    if isinstance(data, dict):  # asked first: to ask for a Mapping takes longer
        return data if type(data) is dict else dict(data)
    if data is None:
        return {}
    if isinstance(data, str):
        return {"message": data}
    if isinstance(data, Mapping):
        return dict(data)
    raise InvalidInstanceError(data, "a dict or a str as data")


def encode(event: str, data: object, *, encoder: str | None = None, **extra: int | str) -> str:
    """Return any frame. ``extra`` are ``re`` and ``room``.

    ``encoder`` is the import path of the encoder; None takes it from the setting JSON_ENCODER.

    Raises TypeError for data that is not JSON-serializable and ValueError for NaN, infinities and
    lone surrogates.
    """
    serializer = _serializer(encoder or conf.current().json_encoder)
    return serializer.encode({"event": event, "data": data, **extra})


@lru_cache
def keys_of(**extra: str) -> str:
    """Return further keys of a frame, such as ``room``, as text after its other keys."""
    keys = json.dumps(extra, ensure_ascii=False, separators=(",", ":"))
    return f",{keys[1:-1]}"


class Serializer:
    """Frames as text by one encoder, in any thread.

    Plain values go to orjson. An encoder is never asked about these, unless it overrides more than
    ``default``.
    """

    def __init__(self, encoder: type[json.JSONEncoder]) -> None:
        self._encoder = encoder(allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        self._has_plain_values = all(
            getattr(encoder, name) is getattr(json.JSONEncoder, name)
            for name in ("__init__", "encode", "iterencode")
        )

    def encode(self, frame: dict[str, Any]) -> str:
        """Return a frame as text. Raises as :func:`encode` does."""
        text = dump_object(frame) if self._has_plain_values else None
        if text is None:
            text = self._encoder.encode(frame)
            if not text.isascii():
                text.encode()  # raises for a lone surrogate now, not after a commit
        return text


@lru_cache
def _serializer(path: str) -> Serializer:
    """Return the serializer of the project's encoder, which also serializes a Socket as its id."""
    base: type[json.JSONEncoder] = import_string(path)

    class Encoder(base):  # type: ignore[misc,valid-type]
        def default(self, o: Any) -> Any:
            return o.id if isinstance(o, SerializedAsId) else super().default(o)

    return Serializer(Encoder)
