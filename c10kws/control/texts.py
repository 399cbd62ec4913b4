"""Texts for people about connections: the terminal and the admin use the same ones."""

from __future__ import annotations

#: Seconds of each unit, the longest first.
UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def connections_of(number: int) -> str:
    """Return "1 connection", "2 connections"."""
    return f"{number} connection" if number == 1 else f"{number} connections"


def duration_of(seconds: float) -> str:
    """Return a duration in its two longest units, such as "5 min 12 s"."""
    left = round(seconds)
    numbers: list[str] = []
    for unit, length in UNITS:
        number, left = divmod(left, length)
        if number or numbers or unit == "s":
            numbers.append(f"{number} {unit}")
    return " ".join(text for text in numbers[:2] if not text.startswith("0 ") or len(numbers) == 1)


def latency_of(seconds: float) -> str:
    """Return the time of a round trip, such as "18.2 ms"."""
    return f"{seconds * 1000:.1f} ms"
