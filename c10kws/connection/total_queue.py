"""``TotalQueue``: bytes queued for all clients of the process (MAX_TOTAL_QUEUE_BYTES)."""

from __future__ import annotations

import threading

from .items import Item, SharedMessage, weigh

#: Held for a few operations at a time: one is enough for all outboxes.
lock = threading.Lock()


class TotalQueue:
    """Sum of what outboxes and transports hold; a broadcast counts once.

    Used while holding the ``lock``.
    """

    __slots__ = ("size",)

    def __init__(self) -> None:
        self.size = 0

    def hold(self, item: Item | int) -> None:
        """Count an item that is queued; a number stands for bytes of one client."""
        if isinstance(item, SharedMessage):
            item.holders += 1
            if item.holders > 1:
                return
        self.size += item if isinstance(item, int) else weigh(item)

    def release(self, item: Item | int) -> None:
        """Stop counting an item."""
        if isinstance(item, SharedMessage):
            item.holders -= 1
            if item.holders:
                return
        self.size -= item if isinstance(item, int) else weigh(item)


#: The instance of this process.
total_queue = TotalQueue()
