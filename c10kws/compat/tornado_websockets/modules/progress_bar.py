"""``ProgressBar``, which is a ``WebSocket``."""

from __future__ import annotations

from ....events import progress
from ..websocket import WebSocket


class ProgressBar(WebSocket, progress.ProgressBar):
    """The ancestor's progress bar, which surrounds ``init`` and ``update`` with further events."""

    surrounded_versions = frozenset({0, 1})

    @property
    def websocket(self) -> ProgressBar:
        """The bar itself."""
        return self
