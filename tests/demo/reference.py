"""The Game of Life as a textbook has it, to compare with."""

from __future__ import annotations

from collections.abc import Set

Living = Set[tuple[int, int]]


def next_step(living: Living, size: int, *, wrap: bool) -> Living:
    """Return who lives next, on a torus or on a plane with edges."""
    new = set()
    for row in range(size):
        for column in range(size):
            count = 0
            for y in range(row - 1, row + 2):
                for x in range(column - 1, column + 2):
                    other = (y % size, x % size) if wrap else (y, x)
                    count += other in living and other != (row, column)
            if count == 3 or (count == 2 and (row, column) in living):
                new.add((row, column))
    return new
