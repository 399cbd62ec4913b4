"""What threads have asked a connection to send, in call order, until its loop takes it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from .message import Message


@dataclass(frozen=True, slots=True)
class Close:
    """A Close frame to send (RFC 6455 §5.5.1)."""

    code: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Overflow:
    """Stands for a message that found the outbox full."""


Item = Message | Close | Overflow

_lock = threading.Lock()  # held for a few operations at a time: one is enough for all outboxes


class Outbox:
    """A queue bounded in bytes: what does not fit is replaced by the news of it."""

    __slots__ = ("_items", "_limit", "_size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[Item] = deque()
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._items)

    def put(self, item: Item) -> None:
        """Add an item, from any thread. One message always fits an empty outbox."""
        with _lock:
            if isinstance(item, (str, bytes)):
                if self._size > self._limit:
                    item = Overflow()
                else:
                    self._size += len(item)
            if not (isinstance(item, Overflow) and self._items and self._items[-1] == item):
                self._items.append(item)

    def get(self) -> Item:
        """Take the oldest item."""
        with _lock:
            item = self._items.popleft()
            if isinstance(item, (str, bytes)):
                self._size -= len(item)
            return item
