"""Ctrl-C is noted, and obeyed between two steps."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """Context in which Ctrl-C only sets ``noted``; does nothing outside the main thread."""

    def __init__(self) -> None:
        self.noted = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        self._before = self._handle(self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle(self._before)

    @contextmanager
    def ignored(self) -> Iterator[None]:
        """Ignore Ctrl-C in the block; processes that are started in it inherit that."""
        before = self._handle(signal.SIG_IGN)
        try:
            yield
        finally:
            self._handle(before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.noted = True

    @staticmethod
    def _handle(handler: Any) -> Any:
        if threading.current_thread() is threading.main_thread():
            return signal.signal(signal.SIGINT, handler)
        return None
