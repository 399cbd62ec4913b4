"""``Numbering``: the numbers of the messages that this process sends."""

from __future__ import annotations

import secrets
from collections import OrderedDict

#: Channels whose last number is remembered.
MAX_CHANNELS = 10_000


class Numbering:
    """Counts the messages to each channel, beginning with 1.

    If a channel has been forgotten, its numbers begin with 1 again, under another name of the
    sender. Under the same name, receivers would drop the messages as duplicates.
    """

    def __init__(self) -> None:
        self._process = secrets.token_urlsafe(9)
        self._begun = 0
        self._last: OrderedDict[str, tuple[str, int]] = OrderedDict()

    def next(self, channel: str) -> tuple[str, int]:
        """Return the sender and the number of the next message to a channel."""
        origin, number = self._last.get(channel) or self._begin()
        self._last[channel] = origin, number + 1
        self._last.move_to_end(channel)
        if len(self._last) > MAX_CHANNELS:
            self._last.popitem(last=False)
        return origin, number + 1

    def skip(self, channel: str) -> None:
        """Omit a number, so that receivers notice that they have missed a message."""
        if channel in self._last:
            self.next(channel)

    def is_own(self, sender: str) -> bool:
        """Return True if a message with this sender was sent by this process."""
        return sender.startswith(f"{self._process}.")

    def _begin(self) -> tuple[str, int]:
        self._begun += 1
        return f"{self._process}.{self._begun}", 0
