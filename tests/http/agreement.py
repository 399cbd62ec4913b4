"""Comparison of the outcomes of the server and of a peer for the same bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .outcome import Outcome

Kind = Literal["accepts", "refuses", "differs"]


@dataclass(frozen=True)
class Disagreement:
    """The first point at which the server and a peer disagree."""

    peer: str
    #: The server accepts or refuses more than the peer, or reads another request.
    kind: Kind
    #: The bytes before the message in question, and those from it on.
    before: bytes
    rest: bytes
    #: The server's refusal.
    status: int | None

    @property
    def head(self) -> bytes:
        return re.split(rb"\r?\n\r?\n", self.rest.lstrip(b"\r\n"), maxsplit=1)[0]

    @property
    def body(self) -> bytes:
        return self.rest.lstrip(b"\r\n")[len(self.head) :]


def compare(data: bytes, ours: Outcome, peer: Outcome, name: str) -> Disagreement | None:
    """Return the first disagreement about the bytes of a connection, or None."""
    both = min(len(ours.requests), len(peer.requests))
    same = next((i for i in range(both) if ours.requests[i] != peer.requests[i]), both)
    kind = kind_of(ours, peer, same)
    if kind is None:
        return None
    rest = peer.starts[same]
    return Disagreement(name, kind, data.removesuffix(rest), rest, ours.refusal)


def kind_of(ours: Outcome, peer: Outcome, same: int) -> Kind | None:
    """Return the kind of the disagreement after this number of equal requests."""
    more, fewer = len(ours.requests) > same, len(peer.requests) > same
    refuses, refused = ours.refusal is not None, peer.refusal is not None
    if (more and fewer) or ours.upgraded != peer.upgraded:
        return "differs"
    if (more, refuses) == (fewer, refused):
        return None if ours.closed == peer.closed else "differs"
    return "accepts" if more or (refused and not fewer) else "refuses"
