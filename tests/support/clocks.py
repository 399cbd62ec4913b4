"""A loop whose time passes only while it waits, so that a test of minutes takes none."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualSelector(selectors.DefaultSelector):
    """A selector that adds the time of a wait to its clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once."""
        if timeout:
            self.now += timeout
        return super().select(0)


def virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that waits for nothing but time."""
    selector = VirtualSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    loop._clock_resolution = 1e-9  # type: ignore[attr-defined]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)
