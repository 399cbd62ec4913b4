"""``ProgressBar``: an EventSocket whose clients see how far something is."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from ..origins import Origins
from .decorators import Decorator
from .endpoint import EventSocket
from .socket import Socket

PREFIX = "/module/progress_bar"


class ProgressBar(EventSocket):
    """A progress bar from ``min`` to ``max``, of which ``tick`` takes a step; from any thread.

    It lives at ``/module/progress_bar`` and its path. With ``min`` and ``max`` equal it is
    indeterminate: it shows that something is done, and not how much. Whoever comes late sees the
    value as it is now. Its events do not wait for the commit of a transaction.

    Raises ValueError when ``max`` is less than ``min``, :exc:`PathAlreadyUsed`.
    """

    def __init__(
        self,
        path: str,
        min: int = 0,  # noqa: A002  (the ancestor's name)
        max: int = 100,  # noqa: A002
        add_to_handlers: bool = True,
        *,
        decorators: Sequence[Decorator] = (),
        origins: Origins = None,
    ) -> None:
        if max < min:
            raise ValueError(f"expected max to be at least min, not {max} after {min}")
        self.min = min
        self.max = max
        self._value = min
        self._label: str | None = None
        self._stepping = threading.RLock()
        super().__init__(
            f"{PREFIX}/{path.strip('/')}", add_to_handlers, decorators=decorators, origins=origins
        )

    @property
    def value(self) -> int:
        """How far it is."""
        return self._value

    @property
    def indeterminate(self) -> bool:
        """Whether there is nothing to count to."""
        return self.min == self.max

    def is_done(self) -> bool:
        """Whether ``max`` is reached; never, when it is indeterminate."""
        return not self.indeterminate and self._value >= self.max

    def reset(self) -> None:
        """Go back to ``min``, and say so to all."""
        with self._stepping:
            self._value, self._label = self.min, None
            self.emit_init()

    def tick(self, label: str | None = None) -> None:
        """Take a step, and say so to all; at ``max`` nothing but the label changes any more."""
        with self._stepping:
            if not self.indeterminate and self._value < self.max:
                self._value += 1
            self.emit_update(label)
            if self.is_done():
                self.emit_done()

    def greet(self, socket: Socket) -> None:
        """Send how far it is."""
        with self._stepping:  # no tick comes between
            for event, data in self._init():
                socket.emit(event, data, on_commit=False)
            if self._label is not None:
                for event, data in self._update(self._label):
                    socket.emit(event, data, on_commit=False)
            if self.is_done():
                socket.emit("done", on_commit=False)

    def emit_init(self) -> None:
        """Send ``before_init``, ``init`` and ``after_init`` to all."""
        for event, data in self._init():
            self.emit(event, data, on_commit=False)

    def emit_update(self, label: str | None = None) -> None:
        """Send ``before_update``, ``update`` and ``after_update`` to all."""
        with self._stepping:
            self._label = label
            for event, data in self._update(label):
                self.emit(event, data, on_commit=False)

    def emit_done(self) -> None:
        """Send ``done`` to all, if it is."""
        if self.is_done():
            self.emit("done", on_commit=False)

    def _init(self) -> list[tuple[str, dict[str, Any]]]:
        init: dict[str, Any] = {"indeterminate": self.indeterminate}
        if not self.indeterminate:
            init |= {"min": self.min, "max": self.max, "value": self._value}
        return [("before_init", {}), ("init", init), ("after_init", {})]

    def _update(self, label: str | None) -> list[tuple[str, dict[str, Any]]]:
        update: dict[str, Any] = {} if self.indeterminate else {"value": self._value}
        if label is not None:
            update["label"] = label
        return [("before_update", {}), ("update", update), ("after_update", {})]
