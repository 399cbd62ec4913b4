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

from ...protocol.closing import CloseCode
from .fast_json import load_object

#: The subprotocol that chooses version 1.
SUBPROTOCOL = "c10kws.v1.json"
#: The prefix of the protocol's own events. Applications cannot use it.
RESERVED_PREFIX = "ws:"
#: Events of the server's life cycle. A client may not send them.
LIFE_CYCLE = frozenset({"open", "close", "error", "connect", "disconnect"})
#: Events of the JavaScript client itself. A server's event of such a name would not be delivered.
CONNECTION_EVENTS = frozenset({"open", "close", "error"})
#: Close codes after which a retry would end in the same way; so would 44xx, except TEMPORARY.
FINAL = frozenset(
    {
        CloseCode.NORMAL_CLOSURE,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_DATA,
        CloseCode.POLICY_VIOLATION,
        CloseCode.MESSAGE_TOO_BIG,
        CloseCode.MANDATORY_EXTENSION,
    }
)
TEMPORARY = frozenset({4408, 4429})
MAX_EVENT_LENGTH = 128
MAX_ID_LENGTH = 64
#: The largest integer that JavaScript represents exactly, as Number.MAX_SAFE_INTEGER (RFC 8259 §6).
MAX_ID = 2**53 - 1


@dataclass(slots=True)  # not frozen: to make a frozen object takes twice as long
class Frame:
    """A client's frame. With an ``id`` it is a request, which expects an answer."""

    event: str
    data: dict[str, Any]
    id: int | str | None = None


class BadFrame(Exception):
    """A frame that is not valid.

    Version 1 is answered with ``code`` and ``message``, version 0 with ``warning``, word for word
    that of the older protocol. ``re`` is the ``id`` of the frame, or None if it cannot be read.
    """

    def __init__(self, code: str, message: str, warning: str, re: int | str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message
        self.warning = warning
        self.re = re


# Warnings of version 0.
INVALID_JSON = "Invalid JSON was sent."
NO_EVENT = "There is no event in this JSON."
NOT_BOUND = "Event is not binded."
NO_DICTIONARY = "The data should be a dictionary."

# Messages of version 1.
BINARY = "frames must be text messages, not binary"
NO_OBJECT = "a frame must be a JSON object"
ARRAY = "a frame must be a JSON object; arrays are reserved"
BAD_EVENT = f"'event' must be the name of an event, 1 to {MAX_EVENT_LENGTH} characters"
BAD_DATA = "'data' must be an object"
BAD_ID = (
    f"'id' must be an integer within ±(2**53 - 1) or a string of at most {MAX_ID_LENGTH} characters"
)


def decode(message: str | bytes, version: int = 1, refused: frozenset[str] = LIFE_CYCLE) -> Frame:
    """Return the frame that a client sent. Raises :exc:`BadFrame`, also for a ``refused`` event.

    Version 0 has no ``id`` and ignores that key, as all keys that it does not know.
    """
    if isinstance(message, bytes):
        raise BadFrame("bad_frame", BINARY, INVALID_JSON)
    value = load_object(message) or _loads(message)
    if not isinstance(value, dict):
        raise BadFrame("bad_frame", ARRAY if isinstance(value, list) else NO_OBJECT, NO_EVENT)
    frame_id = value.get("id") if version else None
    if frame_id is not None:
        _check_id(frame_id)
    event = value.get("event")
    if not isinstance(event, str) or not event:
        raise BadFrame("bad_frame", BAD_EVENT, NO_EVENT, frame_id)
    if len(event) > MAX_EVENT_LENGTH:
        raise BadFrame("bad_frame", BAD_EVENT, NOT_BOUND, frame_id)
    if event in refused:
        text = f"{event!r} is reserved for the server; a client may not send it"
        raise BadFrame("forbidden", text, NOT_BOUND, frame_id)
    data = value.get("data") or {}
    if not isinstance(data, dict):
        raise BadFrame("bad_frame", BAD_DATA, NO_DICTIONARY, frame_id)
    return Frame(event, data, frame_id)


def _check_id(value: object) -> None:
    if isinstance(value, str):
        valid = len(value) <= MAX_ID_LENGTH
    else:
        valid = type(value) is int and -MAX_ID <= value <= MAX_ID
    if not valid:
        raise BadFrame("bad_frame", BAD_ID, NO_EVENT)


def _loads(text: str) -> object:
    try:
        value = _decoder.decode(text)
        if "\\u" in text:  # it may be a lone surrogate, which could never be sent on
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise BadFrame("bad_json", "JSON is nested too deeply", INVALID_JSON) from None
    except UnicodeEncodeError:
        raise BadFrame("bad_json", "text contains a lone surrogate", INVALID_JSON) from None
    except ValueError as error:
        raise BadFrame("bad_json", f"invalid JSON: {error}"[:200], INVALID_JSON) from None
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("an object has the same key twice")
    return result


def _finite_float(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not allowed")


_decoder = json.JSONDecoder(
    object_pairs_hook=_unique_keys, parse_float=_finite_float, parse_constant=_refuse_constant
)


def is_final(code: int) -> bool:
    """Return True if a client that was closed with ``code`` does not reconnect."""
    return code in FINAL or (4400 <= code < 4500 and code not in TEMPORARY)


def error_data(code: str, message: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the data of ``ws:error``."""
    return {"code": code, "message": message, "details": dict(details)}
