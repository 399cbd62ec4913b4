"""The stop of a test's server, which does not spread the ends of its clients."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImmediateStop:
    """The argument of ``on_stop`` callbacks (``docs/reference/hijack.rst``)."""

    code: int
    deadline: float

    async def spread(self, clients: Iterable[T]) -> AsyncIterator[tuple[T, float]]:
        """Yield all clients, without a pause."""
        for client in list(clients):
            yield client, 0.0
