"""The rule of the game; only the cells use it."""

from __future__ import annotations


def lives(alive: bool, neighbours: int) -> bool:
    """Return True if a cell with so many living neighbours lives in the next step."""
    return neighbours == 3 or (alive and neighbours == 2)
