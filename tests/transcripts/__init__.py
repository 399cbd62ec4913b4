"""Conversations of the event protocol (``docs/reference/protocol.rst``), for both ends.

``frames`` are in the order of the wire: ``["client", frame]``, ``["client text", text]``,
``["server", frame]`` or ``["server close", [code, reason]]``. ``"<any>"`` matches any value. If a
browser can have this conversation, ``javascript`` is the code of its page, with the client ``ws``,
and ``result`` what the code returns. ``ws`` is open, unless a ``query`` tells the callback ``open``
of the server what to do.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILES = sorted(Path(__file__).parent.glob("*.json"))
TRANSCRIPTS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES
}


def same(expected: Any, found: Any) -> bool:
    """Return True if two frames are equal, except for values that may be anything."""
    if expected == "<any>":
        return found is not None
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(
            same(value, found[key]) for key, value in expected.items()
        )
    return bool(expected == found and type(expected) is type(found))
