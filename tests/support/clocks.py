"""A loop whose time passes only while it waits, so that a test of minutes takes none."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class VirtualSelector(selectors.DefaultSelector):
    """A selector that adds the time of a wait to its clock instead of waiting.

    Each turn of the loop takes at least ``turn`` seconds.
    """

    def __init__(self, turn: float) -> None:
        super().__init__()
        self.now = 0.0
        self._turn = turn

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return at once."""
        self.now += max(timeout or 0, self._turn)
        return super().select(0)


def virtual_time(main: Coroutine[Any, Any, T], turn: float = 0.0) -> T:
    """Run a coroutine that waits for nothing but time, on a loop whose turns take ``turn``."""
    selector = VirtualSelector(turn)
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    loop._clock_resolution = 1e-9  # type: ignore[attr-defined]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)
