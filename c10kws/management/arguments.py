"""Values of command-line flags."""

from __future__ import annotations

from argparse import ArgumentTypeError


def number_above_zero(text: str) -> float:
    """Return a number. Raises ArgumentTypeError unless it is above 0 and finite."""
    return _above_zero(float, text, "number")


def whole_number_above_zero(text: str) -> int:
    """Return a whole number. Raises ArgumentTypeError unless it is above 0."""
    return int(_above_zero(int, text, "whole number"))


def _above_zero(kind: type[int] | type[float], text: str, name: str) -> float:
    try:
        value = kind(text)
    except ValueError:
        value = 0
    if not 0 < value < float("inf"):
        raise ArgumentTypeError(f"must be a {name} above 0, not {text!r}")
    return value
