"""``Progress``: one bar, its steps and its events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ..frames.serialization import encode
from .store import ProgressState, ProgressStore

ProgressEvents = list[tuple[str, dict[str, Any]]]
Send = Callable[[str, dict[str, Any]], object]


class Range(Protocol):
    """An object with ``min`` and ``max``, which may change."""

    min: int
    max: int


class Progress:
    """One bar from ``min`` to ``max``. All methods may be called from any thread."""

    def __init__(self, range_: Range, store: ProgressStore, send: Send) -> None:
        self._range = range_
        self._store = store
        self._send = send
        self._lock = threading.RLock()

    @property
    def min(self) -> int:
        """The value before the first step."""
        return self._range.min

    @property
    def max(self) -> int:
        """The value after the last step."""
        return self._max(self._store.read())

    @property
    def value(self) -> int:
        """The current value. Setting it sends no event.

        Raises ValueError for a value that is not from ``min`` to ``max``.
        """
        return self._value(self._store.read())

    @value.setter
    def value(self, value: int) -> None:
        with self._lock:
            state = self._store.read()
            if not self.min <= value <= self._max(state) and not self._is_indeterminate(state):
                raise ValueError(f"value must be {self.min} to {self._max(state)}, not {value}")
            self._store.write(replace(state, count=value - self.min))

    @property
    def indeterminate(self) -> bool:
        """True when ``min`` and ``max`` are equal, so that there is nothing to count."""
        return self.min == self.max

    def is_done(self) -> bool:
        """Return True when ``max`` is reached; an indeterminate bar is never done."""
        return self._is_done(self._store.read())

    # Steps

    def start(self, max: int | None = None) -> bool:  # noqa: A002  (the ancestor's name)
        """Go back to ``min``, mark the job as running and return True; False if it runs already.

        ``max`` overrides that of the bar for this job. A job runs until ``stop()``, or until the
        bar's ``timeout`` has passed without a ``tick()``. With a shared cache this holds for all
        processes, so that two clicks start one job.

        Raises ValueError when ``max`` is less than ``min``.
        """
        check_range(self.min, self._range.max if max is None else max)
        with self._lock:
            if not self._store.acquire():
                return False
            self._restart(ProgressState(max=max))
            return True

    def stop(self) -> None:
        """Mark the job as ended, so that it can start again; the value stays."""
        self._store.release()

    def reset(self) -> None:
        """Go back to ``min`` and send the state to the clients."""
        with self._lock:
            self._restart(ProgressState(max=self._store.read().max))

    def tick(self, label: str | None = None) -> None:
        """Advance the bar by one step and send its state. At ``max`` only the label changes.

        Raises TypeError and ValueError for a label that is not JSON-serializable.
        """
        _check_label(label)
        with self._lock:
            state = self._store.read()
            counts = not self._is_indeterminate(state) and not self._is_done(state)
            state = self._store.step(state, label, counts=counts)
            self._send_all(self._update_events(state))
            if self._is_done(state):
                self._send("done", {})

    def _restart(self, state: ProgressState) -> None:
        self._store.write(state)
        self._send_all(self._init_events(state))

    # Events

    def greet(self, send: Send, then: Callable[[], object] = lambda: None) -> None:
        """Send the state to a new client, and call ``then`` before any other event is sent."""
        with self._lock:
            state = self._store.read()
            events = self._init_events(state)
            if state.label is not None:
                events += self._update_events(state)
            if self._is_done(state):
                events.append(("done", {}))
            for event, data in events:
                send(event, data)
            then()

    def emit_init(self) -> None:
        """Send ``init`` to the clients."""
        with self._lock:
            self._send_all(self._init_events(self._store.read()))

    def emit_update(self, label: str | None = None) -> None:
        """Send ``update`` to the clients, and keep the label for new ones."""
        _check_label(label)
        with self._lock:
            state = self._store.step(self._store.read(), label, counts=False)
            self._send_all(self._update_events(state))

    def emit_done(self) -> None:
        """Send ``done`` to the clients, if the bar is done."""
        if self.is_done():
            self._send("done", {})

    def _send_all(self, events: ProgressEvents) -> None:
        for event, data in events:
            self._send(event, data)

    # Values and events of a state

    def _max(self, state: ProgressState) -> int:
        return self._range.max if state.max is None else state.max

    def _value(self, state: ProgressState) -> int:
        """Return the value, at most ``max``: several processes may have counted beyond it."""
        return min(self.min + state.count, self._max(state))

    def _is_indeterminate(self, state: ProgressState) -> bool:
        return self.min == self._max(state)

    def _is_done(self, state: ProgressState) -> bool:
        return not self._is_indeterminate(state) and self._value(state) >= self._max(state)

    def _init_events(self, state: ProgressState) -> ProgressEvents:
        indeterminate = self._is_indeterminate(state)
        init: dict[str, Any] = {"indeterminate": indeterminate}
        if not indeterminate:
            init |= {"min": self.min, "max": self._max(state), "value": self._value(state)}
        return [("before_init", {}), ("init", init), ("after_init", {})]

    def _update_events(self, state: ProgressState) -> ProgressEvents:
        update: dict[str, Any] = {}
        if not self._is_indeterminate(state):
            update["value"] = self._value(state)
        if state.label is not None:
            update["label"] = state.label
        return [("before_update", {}), ("update", update), ("after_update", {})]


def check_range(min: int, max: int) -> None:  # noqa: A002
    """Raise ValueError when ``max`` is less than ``min``."""
    if max < min:
        raise ValueError(f"max must be at least min, which is {min}, not {max}")


def _check_label(label: str | None) -> None:
    """Raise for a label that cannot be sent, before it is stored."""
    if label is not None:
        encode("update", {"label": label})
