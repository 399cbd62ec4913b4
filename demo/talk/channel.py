"""The channel: the last messages, and the polls that wait for more. It is local to the process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

#: Number of messages kept. A client that was away for longer misses some.
MAX_MESSAGES = 200

Message = dict[str, Any]
Callback = Callable[[list[Message]], object]


class Channel:
    """All methods may be called from any thread. No callback is called under the lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: deque[Message] = deque(maxlen=MAX_MESSAGES)
        self._last = 0
        self._waiting: list[tuple[float, Callback]] = []

    @property
    def last(self) -> int:
        """The number of the last message."""
        return self._last

    def append(self, nick: str, kind: str, text: str = "") -> None:
        """Add a message and pass it to all waiting callbacks."""
        with self._lock:
            self._last += 1
            message = {"id": self._last, "nick": nick, "kind": kind, "text": text}
            message["at"] = round(time.time() * 1000)
            self._messages.append(message)
            waiting, self._waiting = self._waiting, []
        for _, callback in waiting:
            callback([message])

    def query(self, callback: Callback, since: int) -> None:
        """Call back with the messages after ``since``: now, or when there are any."""
        with self._lock:
            messages = [message for message in self._messages if message["id"] > since]
            if not messages:
                self._waiting.append((time.monotonic(), callback))
        if messages:
            callback(messages)

    def forget(self, callback: Callback) -> None:
        """Remove a waiting callback."""
        with self._lock:
            self._waiting = [each for each in self._waiting if each[1] is not callback]

    def release(self, patience: float) -> None:
        """Call back with no messages after ``patience`` seconds; proxies cut silent requests."""
        latest = time.monotonic() - patience
        with self._lock:
            released = [callback for since, callback in self._waiting if since <= latest]
            self._waiting = [each for each in self._waiting if each[0] > latest]
        for callback in released:
            callback([])
