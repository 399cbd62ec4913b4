"""The conversation of ``c10kws.testpages``: what a client says and what it must hear."""

from __future__ import annotations

from collections.abc import Iterator

GREETING = "Hello!"
MESSAGES = ("Spam?", "Eggs!", "Python.")
GOODBYE = "Goodbye!"


def echoes(round_number: int) -> Iterator[tuple[str, str]]:
    """Yield the messages of a round, counted from 0, each with its answer: numbers go on."""
    first = round_number * len(MESSAGES) + 1
    for number, message in enumerate(MESSAGES, first):
        yield message, f"{number}. {message}"
