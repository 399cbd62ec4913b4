"""The rule of the game; only the cells know it."""

from __future__ import annotations


def lives(alive: bool, neighbours: int) -> bool:
    """Return whether a cell lives in the next step, with so many living neighbours of eight."""
    return neighbours == 3 or (alive and neighbours == 2)
