"""Requests and replies as JSON."""

from __future__ import annotations

import json
from typing import Any

Data = dict[str, Any]


def encode(data: Data) -> str:
    """Return data as text."""
    return json.dumps(data, separators=(",", ":"))


def decode(text: bytes | str) -> Data:
    """Return the data in a text. Raises ValueError."""
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("the text is nested too deeply") from error
    if not isinstance(data, dict):
        raise ValueError("the text is no object")
    return data
