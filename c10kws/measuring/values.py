"""``Values``: numbers by family and labels; they can be merged, and are a snapshot as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .families import COUNTER, FAMILIES, GAUGE

#: Snapshots of another version are ignored: workers of two releases may run at the same time.
VERSION = 1

Labels = tuple[str, ...]
#: The value of a histogram: the number in each class of durations, and the sum of the seconds.
Value = float | list[float]


class Values:
    """The values of one process, or the sum of several."""

    def __init__(self) -> None:
        self._values: dict[str, dict[Labels, Value]] = {}

    def __iter__(self) -> Iterator[tuple[str, dict[Labels, Value]]]:
        yield from self._values.items()

    def get(self, name: str, *labels: str) -> Value:
        """Return a value; 0 if there is none."""
        return self._values.get(name, {}).get(labels, 0)

    def add(self, name: str, value: Value, *labels: str) -> None:
        """Add a value to the one with these labels."""
        family = self._values.setdefault(name, {})
        before = family.get(labels)
        if before is None:
            family[labels] = value
        else:
            family[labels] = _merge(before, value, largest=FAMILIES[name].largest)

    def update(self, other: Values, *, gauges: bool = True) -> None:
        """Add the values of another process; without ``gauges`` only those that never fall."""
        for name, family in other:
            if gauges or FAMILIES[name].kind != GAUGE:
                for labels, value in family.items():
                    self.add(name, value, *labels)

    def keep_from_falling(self, earlier: Values) -> None:
        """Raise counters to their earlier values.

        While they are read, a connection may move from the open to the ended ones and be missed.
        For Prometheus a counter that falls is a restart.
        """
        for name, family in earlier:
            if FAMILIES[name].kind == COUNTER:
                mine = self._values.setdefault(name, {})
                for labels, value in family.items():
                    mine[labels] = max(mine.get(labels, 0.0), value)

    # Snapshots

    def encode(self) -> bytes:
        """Return the values as a snapshot."""
        values = {name: list(family.items()) for name, family in self}
        return json.dumps({"version": VERSION, "values": values}, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, snapshot: bytes) -> Values:
        """Return the values of a snapshot; none if it is empty or of another release."""
        values = cls()
        content = json.loads(snapshot) if snapshot else {}
        if content.get("version") != VERSION:
            return values
        for name, family in content["values"].items():
            if name in FAMILIES:
                for labels, value in family:
                    values.add(name, value, *labels)
        return values


def _merge(one: Value, other: Value, *, largest: bool) -> Value:
    if isinstance(one, list) and isinstance(other, list):
        return [a + b for a, b in zip(one, other, strict=True)]
    assert not isinstance(one, list) and not isinstance(other, list)
    return max(one, other) if largest else one + other
