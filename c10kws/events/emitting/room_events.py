"""``RoomEvents``: the events to a room after a position."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..brokers.history import Position


@dataclass(frozen=True, slots=True)
class RoomEvents:
    """Returned by :meth:`Room.wait`.

    ``position`` is a text, the ``since`` of the next call. ``recovered`` is False if events are
    missing. ``frames`` are the events as JSON.
    """

    frames: Sequence[str]
    position: str
    recovered: bool

    @property
    def events(self) -> list[tuple[str, dict[str, Any]]]:
        """The events, oldest first: the name of each, and its data."""
        frames = map(json.loads, self.frames)
        return [(frame["event"], frame["data"]) for frame in frames]

    def as_json(self) -> str:
        """Return the answer to a long poll: an object with the keys of this class."""
        rest = json.dumps({"position": self.position, "recovered": self.recovered})
        return f'{{"events": [{", ".join(self.frames)}], {rest[1:]}'


def write_position(position: Position) -> str:
    """Return a position as text for a URL."""
    return f"{position.epoch}:{position.seq}"


def read_position(text: str) -> Position:
    """Return the position in a text. Raises ValueError if there is none."""
    epoch, _, seq = text.rpartition(":")
    valid = epoch and len(text) <= MAX_POSITION_LENGTH and seq.isascii() and seq.isdecimal()
    if not valid or len(seq) > MAX_DIGITS:
        raise ValueError(f"{text[:MAX_POSITION_LENGTH]!r} is not a position of a room.")
    return Position(epoch, int(seq))


#: Characters of a position, and digits of its number, at most.
MAX_POSITION_LENGTH = 160
MAX_DIGITS = 15
