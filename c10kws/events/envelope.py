"""The frames of the event protocol, as text: ``docs/reference/protocol.rst``. No I/O.

Version 0 is ``{"event": …, "data": {…}}`` and never changes. Version 1, chosen by the subprotocol,
adds ``id``, ``re`` and ``room``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: The subprotocol that chooses version 1.
SUBPROTOCOL = "c10kws.v1.json"
#: Events of the protocol itself begin so; those of applications cannot.
RESERVED_PREFIX = "ws:"
#: The server's own life cycle: a client that names one of these is refused.
LIFE_CYCLE = frozenset({"open", "close", "error", "connect", "disconnect"})
#: In a browser these are the connection's own, so no server's event of that name would arrive.
OF_THE_CONNECTION = frozenset({"open", "close", "error"})
#: Close codes after which the same try would end in the same way, and so does 44xx, but for two.
FINAL = frozenset({1000, 1002, 1003, 1007, 1008, 1009, 1010})
TEMPORARY = frozenset({4408, 4429})
MAX_EVENT_LENGTH = 128
MAX_ID_LENGTH = 64
#: The largest integer that JavaScript represents exactly, as Number.MAX_SAFE_INTEGER (RFC 8259 §6).
MAX_ID = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """A client's frame; with an ``id`` it is a request that wants an answer."""

    event: str
    data: dict[str, Any]
    id: int | str | None = None


class BadFrame(Exception):
    """A frame that cannot be understood.

    ``code`` and ``message`` are what version 1 answers, ``warning`` what version 0 does, in its
    very words; ``re`` is the ``id`` of the frame, where it could be read.
    """

    def __init__(self, code: str, message: str, warning: str, re: int | str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.warning = warning
        self.re = re


INVALID_JSON = "Invalid JSON was sent."
NO_EVENT = "There is no event in this JSON."
NOT_BOUND = "Event is not binded."
NO_DICTIONARY = "The data should be a dictionary."
BAD_ID = (
    f"'id' must be an integer within ±(2**53 - 1) or a string of at most {MAX_ID_LENGTH} characters"
)


def decode(message: str | bytes, version: int = 1, refused: frozenset[str] = LIFE_CYCLE) -> Frame:
    """Return the frame that a client sent. Raises :exc:`BadFrame`, also for a ``refused`` event.

    Version 0 has no ``id``: it ignores that key as any other that it does not know.
    """
    if isinstance(message, bytes):
        raise BadFrame("bad_frame", "expected a text message, not a binary one", INVALID_JSON)
    value = _loads(message)
    if not isinstance(value, dict):
        kind = "an array, which is reserved" if isinstance(value, list) else "something else"
        raise BadFrame("bad_frame", f"expected an object, not {kind}", NO_EVENT)
    number = _id(value.get("id")) if version else None
    event = value.get("event")
    if not isinstance(event, str) or not event:
        raise BadFrame("bad_frame", "expected the name of an event in 'event'", NO_EVENT, number)
    if len(event) > MAX_EVENT_LENGTH:
        text = f"expected an event of at most {MAX_EVENT_LENGTH} characters"
        raise BadFrame("bad_frame", text, NOT_BOUND, number)
    if event in refused:
        text = f"{event!r} is the server's own event"
        raise BadFrame("forbidden", text, NOT_BOUND, number)
    data = value.get("data") or {}
    if not isinstance(data, dict):
        raise BadFrame("bad_frame", "expected an object in 'data'", NO_DICTIONARY, number)
    return Frame(event, data, number)


def _id(value: object) -> int | str | None:
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and -MAX_ID <= value <= MAX_ID:
        return value
    if isinstance(value, str) and len(value) <= MAX_ID_LENGTH:
        return value
    raise BadFrame("bad_frame", BAD_ID, NO_EVENT)


def _loads(text: str) -> object:
    try:
        value = _decoder.decode(text)
        if "\\u" in text:  # a lone surrogate could never be sent on
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise BadFrame("bad_json", "JSON is nested too deeply", INVALID_JSON) from None
    except UnicodeEncodeError:
        raise BadFrame("bad_json", "text contains a lone surrogate", INVALID_JSON) from None
    except ValueError as error:
        raise BadFrame("bad_json", f"expected JSON: {error}"[:200], INVALID_JSON) from None
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object names a key twice")
    return result


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse_constant
)


def encode(
    event: str,
    data: object,
    *,
    encoder: type[json.JSONEncoder] = json.JSONEncoder,
    **extra: int | str,
) -> str:
    """Return a frame as text; ``extra`` are ``re`` and ``room``, of version 1.

    Raises TypeError for what JSON cannot say and ValueError for NaN, infinities and half
    characters.
    """
    text = json.dumps(
        {"event": event, "data": data, **extra},
        cls=encoder,
        allow_nan=False,
        ensure_ascii=False,
        separators=(",", ":"),
    )
    if not text.isascii():
        text.encode()  # a lone surrogate is found here, and not when a transaction has committed
    return text


def is_final(code: int) -> bool:
    """Return whether a client that was closed with ``code`` stays away."""
    return code in FINAL or (4400 <= code < 4500 and code not in TEMPORARY)


def error_data(code: str, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of ``ws:error``."""
    return {"code": code, "message": message, "details": dict(details)}
