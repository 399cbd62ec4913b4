"""``ProgressState``: the state of a bar, its events, and its form in the broker.

Each message of a bar's channel is its whole state, with the events that its clients get. So the
last message is all that a new client needs, and each process makes the frames for its own clients.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

from ..brokers.message import Message
from ..frames.serialization import encode

INIT, UPDATE, DONE = "init", "update", "done"
#: Events without data around ``init`` and ``update``, as in django-tornado-websockets.
SURROUNDING = frozenset({"before_init", "after_init", "before_update", "after_update"})
#: Bytes of a label, as JSON.
MAX_LABEL_BYTES = 256 * 1024


class Range(Protocol):
    """An object with ``min`` and ``max``, which may change."""

    min: int
    max: int


@dataclass(frozen=True, slots=True)
class ProgressState:
    """Number of steps taken, and the last label.

    ``max`` is that of the job if ``own_max`` is True. ``time`` is that of the last change, in
    seconds since 1970. ``events`` are those of the last change: INIT, UPDATE and DONE.
    """

    min: int
    max: int
    count: int = 0
    label: Any = None
    own_max: bool = False
    running: bool = False
    time: float = 0.0
    events: tuple[str, ...] = ()

    @property
    def value(self) -> int:
        """The value, at most ``max``, which may have changed."""
        return min(self.min + self.count, self.max)

    @property
    def indeterminate(self) -> bool:
        """True if there is nothing to count."""
        return self.min == self.max

    @property
    def done(self) -> bool:
        """True when ``max`` is reached."""
        return not self.indeterminate and self.value >= self.max

    @property
    def greeting(self) -> tuple[str, ...]:
        """The events for a client that knows nothing of the bar."""
        has_label = self.label is not None
        return (INIT, *[UPDATE] * has_label, *[DONE] * self.done)

    # Changes

    def within(self, range_: Range) -> ProgressState:
        """Return it with the range of the bar, which may be that of another release."""
        maximum = self.max if self.own_max else range_.max
        if (self.min, self.max) == (range_.min, maximum):
            return self
        return replace(self, min=range_.min, max=maximum)

    def restart(self) -> ProgressState:
        """Return it without steps."""
        return replace(self, count=0, label=None, events=(INIT,))

    def step(self, label: Any) -> ProgressState:
        """Return it with one step more. At ``max`` only the label changes."""
        count = self.count + (not self.indeterminate and not self.done)
        done = not self.indeterminate and self.min + count >= self.max
        return replace(self, count=count, label=label, events=(UPDATE, *[DONE] * done))

    # As a message

    def message(self) -> Message:
        """Return it as a message, with the current time."""
        state = {name: getattr(self, name) for name in _NAMES} | {"time": time.time()}
        return Message(json.dumps(state, ensure_ascii=False, separators=(",", ":")))


def state_of(message: Message) -> ProgressState:
    """Return the state in a message. Keys of a later release are ignored."""
    values = json.loads(message.text)
    known = {name: values[name] for name in _NAMES if name in values}
    return ProgressState(**known | {"events": tuple(values["events"])})


_NAMES = [field.name for field in fields(ProgressState)]


def frames_of(state: ProgressState, events: Iterable[str]) -> list[tuple[str, str]]:
    """Return the names and the texts of the frames for events of a state."""
    frames: list[tuple[str, dict[str, Any]]] = []
    for event in events:
        match event:
            case "init":
                frames += _surrounded(event, _init(state))
            case "update":
                frames += _surrounded(event, _update(state))
            case _:
                frames.append((event, {}))
    return [(event, encode(event, data)) for event, data in frames]


def _surrounded(event: str, data: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(f"before_{event}", {}), (event, data), (f"after_{event}", {})]


def _init(state: ProgressState) -> dict[str, Any]:
    if state.indeterminate:
        return {"indeterminate": True}
    return {"indeterminate": False, "min": state.min, "max": state.max, "value": state.value}


def _update(state: ProgressState) -> dict[str, Any]:
    value = {} if state.indeterminate else {"value": state.value}
    return value if state.label is None else value | {"label": state.label}


def plain_label(label: Any) -> Any:
    """Return a label as JSON has it.

    Raises TypeError and ValueError for a label that is not JSON-serializable or too long.
    """
    if label is None:
        return None
    text = encode(UPDATE, label)
    if len(text) > MAX_LABEL_BYTES or len(text.encode()) > MAX_LABEL_BYTES:
        raise ValueError(f"The label has more than {MAX_LABEL_BYTES} bytes as JSON. Shorten it.")
    return label if type(label) is str else json.loads(text)["data"]


def check_range(min: int, max: int) -> None:  # noqa: A002
    """Raise ValueError when ``max`` is less than ``min``."""
    if max < min:
        raise ValueError(f"max must be at least min, which is {min}, not {max}")
