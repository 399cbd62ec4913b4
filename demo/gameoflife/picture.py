"""The picture of a game: the last state of each cell, and how far they are."""

from __future__ import annotations

import json

from .grid import Name

#: Stands where no cell has said anything.
NOBODY = " "


class Picture:
    """Grows with the names of the cells that are painted."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._step = self._said = 0

    def paint(self, name: Name, state: str) -> None:
        """Show a cell in this state, one character."""
        row, column = name
        while len(self._rows) <= row:
            self._rows.append([])
        cells = self._rows[row]
        cells.extend(NOBODY * (column + 1 - len(cells)))
        cells[column] = state

    def count(self, step: int) -> None:
        """A cell has done this step; the furthest one counts."""
        if step > self._step:
            self._step, self._said = step, 0
        self._said += step == self._step

    def as_json(self, **figures: int) -> str:
        """Return the furthest step, how many cells have done it, the rows and more figures."""
        rows = ["".join(row) for row in self._rows]
        picture = {"step": self._step, "said": self._said, "rows": rows, **figures}
        return json.dumps(picture, separators=(",", ":"))
