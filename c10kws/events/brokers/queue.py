"""``CommandQueue``: what a process wants from its broker, in the order of the calls."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from time import monotonic

from .commands import Command, Publish, Sending, Subscribe, Unsubscribe

#: Commands of one batch.
MAX_BATCH = 256
#: Commands that are carried out together.
BATCHED = (Publish, Subscribe, Unsubscribe)


class QueueFull(Exception):
    """Raised when the messages that wait have too many bytes."""


class CommandQueue:
    """Commands from any thread, for the thread of the link. Messages are bounded in bytes."""

    def __init__(self, max_bytes: int, wake: Callable[[], None]) -> None:
        self._max_bytes = max_bytes
        self._wake = wake
        self._lock = threading.Lock()
        self._commands: deque[Command] = deque()
        self.bytes = 0

    def put(self, command: Command) -> None:
        """Queue a command. Raises :exc:`QueueFull` for a message."""
        with self._lock:
            if isinstance(command, Sending):
                if self.bytes and self.bytes + command.size > self._max_bytes:
                    raise QueueFull
                self.bytes += command.size
            self._commands.append(command)
        self._wake()

    def __bool__(self) -> bool:
        return bool(self._commands)

    def take(self) -> list[Command]:
        """Remove and return the first commands, which can be carried out together."""
        with self._lock:
            if not self._commands:
                return []
            first = self._pop()
            taken = [first]
            while isinstance(first, BATCHED) and self._commands and len(taken) < MAX_BATCH:
                if type(self._commands[0]) is not type(first):
                    break
                taken.append(self._pop())
            return taken

    def take_older(self, age: float) -> list[Sending]:
        """Remove and return the messages that have waited for more than ``age`` seconds."""
        limit = monotonic() - age
        taken: list[Sending] = []
        with self._lock:
            kept: list[Command] = []
            while self._commands:
                command = self._pop()
                if isinstance(command, Sending) and command.created <= limit:
                    taken.append(command)
                else:
                    kept.append(command)
            for command in kept:
                self._push(command)
        return taken

    def _pop(self) -> Command:
        command = self._commands.popleft()
        if isinstance(command, Sending):
            self.bytes -= command.size
        return command

    def _push(self, command: Command) -> None:
        self._commands.append(command)
        if isinstance(command, Sending):
            self.bytes += command.size
