"""``c10kws.defer``: a response that is awaited on the loop."""

from __future__ import annotations

from collections.abc import AsyncIterable, Awaitable, Iterable
from contextlib import ExitStack
from typing import Any

#: Status, headers and body.
DeferredResponse = Awaitable[
    tuple[str, list[tuple[str, str]], Iterable[bytes] | AsyncIterable[bytes]]
]


class Defer:
    """Announces an awaitable that returns the response: ``c10kws.defer``.

    It has no reference to the exchange, so that a stored environ keeps no part of it alive.
    """

    __slots__ = ("awaitable",)

    def __init__(self) -> None:
        self.awaitable: DeferredResponse | None = None

    def __call__(self, awaitable: DeferredResponse) -> None:
        self.awaitable = awaitable


class ClosedTogether:
    """The body of a deferred response and its placeholder, which is closed after it."""

    def __init__(self, body: Any, placeholder: Any) -> None:
        self._parts = (placeholder, body)

    def close(self) -> None:
        """Close both, even if the first raises."""
        with ExitStack() as stack:
            for part in self._parts:
                if hasattr(part, "close"):
                    stack.callback(part.close)
