"""The conversation of ``c10kws.testpages``: the client's messages and the answers to expect."""

from __future__ import annotations

from collections.abc import Iterator

GREETING = "Hello!"
MESSAGES = ("Spam?", "Eggs!", "Python.")
GOODBYE = "Goodbye!"


def echoes(round_number: int) -> Iterator[tuple[str, str]]:
    """Yield the messages of a round, counted from 0, with their answers; the numbers continue."""
    first = round_number * len(MESSAGES) + 1
    for number, message in enumerate(MESSAGES, first):
        yield message, f"{number}. {message}"
