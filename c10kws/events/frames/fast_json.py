"""JSON by orjson, if it is installed (``pip install c10kws[speed]``).

orjson accepts duplicate keys, turns large integers into floats, writes NaN as null, and serializes
types that an encoder of the project may treat differently. Where its result could differ from that
of the json module, both functions return None, and the caller asks the json module. So values,
frames and errors are the same with orjson and without it. Only the notation of a float may differ,
such as 1e16 and 1e+16.
"""

from __future__ import annotations

import marshal
from typing import Any

try:
    import orjson
except ImportError:  # it is optional
    orjson = None  # type: ignore[assignment]

#: Version of the marshal format that does not look for objects that occur twice.
MARSHAL_VERSION = 2


def load_object(text: str) -> dict[str, Any] | None:
    """Return the object of a JSON text that is written as orjson writes it, without spaces.

    ``JSON.stringify`` writes so. A text that equals the output for its value has lost nothing: it
    has no duplicate key, no number that was rounded and no lone surrogate.
    """
    if orjson is None:
        return None
    try:
        value = orjson.loads(text)
        same = orjson.dumps(value) == text.encode()
    except (TypeError, ValueError):
        return None
    return value if same and type(value) is dict else None


def dump_object(value: dict[str, Any]) -> str | None:
    """Return an object of plain values as JSON text.

    marshal accepts only the built-in types themselves, no subclass and no other class. Of these,
    orjson refuses those that JSON does not have. It writes NaN and infinities as null; therefore a
    text with null is read again and compared.
    """
    if orjson is None:
        return None
    try:
        marshal.dumps(value, MARSHAL_VERSION)
        text = orjson.dumps(value)
        same = b"null" not in text or orjson.loads(text) == value
    except (TypeError, ValueError):
        return None
    return text.decode() if same else None
