"""The picture of a game: the last state of each cell, and the latest step."""

from __future__ import annotations

import json

from .grid import Name

#: Shown where no cell has sent a state.
NO_CELL = " "


class Picture:
    """The rows of the grid, which grows with the cells that are painted."""

    def __init__(self) -> None:
        self._rows: list[list[str]] = []
        self._step = self._said = 0

    def paint(self, name: Name, state: str) -> None:
        """Show a cell in this state, one character."""
        row, column = name
        while len(self._rows) <= row:
            self._rows.append([])
        cells = self._rows[row]
        cells.extend(NO_CELL * (column + 1 - len(cells)))
        cells[column] = state

    def count(self, step: int) -> None:
        """Count a cell that has reached this step, if it is the latest one."""
        if step > self._step:
            self._step, self._said = step, 0
        self._said += step == self._step

    def as_json(self, **figures: int) -> str:
        """Return the latest step, the number of cells in it, the rows and ``figures``."""
        rows = ["".join(row) for row in self._rows]
        picture = {"step": self._step, "said": self._said, "rows": rows, **figures}
        return json.dumps(picture, separators=(",", ":"))
