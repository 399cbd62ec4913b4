"""Requests written from RFC 9110 and RFC 9112, valid and invalid, each with its rule."""

from __future__ import annotations

from . import chunks, connections, fields, lengths, lines, targets
from .case import Case

CORPUS: dict[str, tuple[Case, ...]] = {
    "lines": lines.CASES,
    "targets": targets.CASES,
    "fields": fields.CASES,
    "lengths": lengths.CASES,
    "chunks": chunks.CASES,
    "connections": connections.CASES,
}
