"""Conversations by the protocol's page (``docs/reference/protocol.rst``), for both of its ends.

``frames`` are in the order of the wire: ``["client", frame]``, ``["client text", text]``,
``["server", frame]`` or ``["server close", [code, reason]]``; ``"<any>"`` stands for anything.
``javascript``, where a browser can have this conversation, is what its page does with ``ws``, and
``result`` what comes of it. The ``ws`` is open, but where a ``query`` tells the server's callback
``open`` what to do.
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
    """Whether two frames are the same, but for what may be anything."""
    if expected == "<any>":
        return found is not None
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(
            same(value, found[key]) for key, value in expected.items()
        )
    return bool(expected == found and type(expected) is type(found))
