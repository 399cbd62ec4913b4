"""The square grid: names of cells, their neighbours, and the place of a pattern."""

from __future__ import annotations

import random
from collections.abc import Iterator, Set

#: A cell's row and column, from 0.
Name = tuple[int, int]
#: The names of the living cells.
Living = Set[Name]

#: In a torus of less than three rows some neighbours are the same cell.
MIN_SIZE = 3
MAX_SIZE = 100
#: The part of a random grid that lives.
DENSITY = 1 / 3


def names(size: int) -> Iterator[Name]:
    """Yield the names of all cells, row by row."""
    return ((row, column) for row in range(size) for column in range(size))


def neighbours(name: Name, size: int, *, wrap: bool) -> list[Name]:
    """Return the eight cells around one; fewer at an edge that does not wrap."""
    row, column = name
    around = [
        (row + down, column + right)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
        if (down, right) != (0, 0)
    ]
    if wrap:
        return [(row % size, column % size) for row, column in around]
    return [(row, column) for row, column in around if 0 <= row < size and 0 <= column < size]


def place(pattern: Living, size: int, *, centre: bool) -> Living:
    """Return a pattern in the middle of the grid, or in its top left corner.

    Raises ValueError when it is larger than the grid.
    """
    height = 1 + max((row for row, _ in pattern), default=-1)
    width = 1 + max((column for _, column in pattern), default=-1)
    if max(height, width) > size:
        raise ValueError(
            f"The pattern has {height} rows and {width} columns. "
            f"Choose a size of at least {max(height, width)}."
        )
    down, right = ((size - height) // 2, (size - width) // 2) if centre else (0, 0)
    return {(row + down, column + right) for row, column in pattern}


def random_grid(size: int, seed: int | None = None) -> Living:
    """Return a random third of the cells; the same cells for the same seed."""
    chance = random.Random(seed)
    return {name for name in names(size) if chance.random() < DENSITY}
