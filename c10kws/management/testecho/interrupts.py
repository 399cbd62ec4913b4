"""Ctrl-C: noted, and obeyed where nothing is half done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any


class Interrupts:
    """While the context is entered Ctrl-C only sets ``noted``. Another thread gets no Ctrl-C."""

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
        """Ignore Ctrl-C meanwhile: processes that are started now inherit that."""
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
