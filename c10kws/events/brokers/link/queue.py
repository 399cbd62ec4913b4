"""``CommandQueue``: the commands of a process to its broker, in the order of the calls."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic

from .commands import Command, Publish, Read, Sending, Subscribe, Unsubscribe, Update

#: Number of commands in a batch.
MAX_BATCH = 256
#: Classes of commands that are carried out in batches.
BATCHED = (Publish, Update, Unsubscribe)


class NotQueued(Exception):
    """Raised when the queued messages have too many bytes, or when the queue is closed."""


class CommandQueue:
    """Queues commands of any thread for the thread of the link. The bytes of messages are limited.

    A Subscribe may overtake other commands, so that many of them form a batch: it does no harm to
    subscribe early. No command overtakes a Subscribe.
    """

    def __init__(self, max_bytes: int, wake: Callable[[], None]) -> None:
        self._max_bytes = max_bytes
        self._wake = wake
        self._lock = threading.Lock()
        self._asleep = False  # the link waits for a call of ``wake``
        self._closed = False
        self._number = 0  # of the last Subscribe
        #: At most one for each channel, with its number; the oldest is first.
        self._subscribes: dict[str, tuple[int, Subscribe]] = {}
        #: The others, with the number of the last Subscribe before them.
        self._others: deque[tuple[int, Command]] = deque()
        self.bytes = 0

    def put(self, command: Command) -> None:
        """Queue a command. Raises :exc:`NotQueued`."""
        with self._lock:
            if self._closed:
                raise NotQueued("this process has closed its connection")
            if isinstance(command, Subscribe):
                self._put_subscribe(command)
            else:
                self._put_other(command)
            asleep, self._asleep = self._asleep, False
        if asleep:
            self._wake()

    def _put_subscribe(self, command: Subscribe) -> None:
        waiting = self._subscribes.get(command.channel)
        if waiting is not None:
            waiting[1].confirmed.extend(command.confirmed)
            return
        self._number += 1
        self._subscribes[command.channel] = self._number, command

    def _put_other(self, command: Command) -> None:
        if isinstance(command, Sending):
            if self.bytes and self.bytes + command.size > self._max_bytes:
                raise NotQueued(f"{self._max_bytes} bytes of events are queued already")
            self.bytes += command.size
        self._others.append((self._number, command))

    def __bool__(self) -> bool:
        return bool(self._subscribes or self._others)

    def rest(self) -> bool:
        """Have ``wake`` called at the next command; return False if one is queued already."""
        with self._lock:
            self._asleep = not self
            return self._asleep

    def take(self) -> Sequence[Command]:
        """Remove and return the next commands, which can be carried out together."""
        with self._lock:
            if self._others and self._may_go(self._others[0][0]):
                return self._take_others()
            channels = list(self._subscribes)[:MAX_BATCH]
            return [self._subscribes.pop(channel)[1] for channel in channels]

    def _may_go(self, number: int) -> bool:
        """Return True if no Subscribe up to this number is queued."""
        return not self._subscribes or next(iter(self._subscribes.values()))[0] > number

    def _take_others(self) -> list[Command]:
        taken: list[Command] = []
        while self._others and len(taken) < MAX_BATCH:
            number, command = self._others[0]
            together = not taken or (
                isinstance(command, BATCHED) and type(command) is type(taken[0])
            )
            if not (together and self._may_go(number)):
                break
            taken.append(self._pop()[1])
        return taken

    def take_older(self, age: float) -> list[Sending | Read]:
        """Remove and return the messages and reads that were queued ``age`` seconds ago."""
        limit = monotonic() - age
        taken: list[Sending | Read] = []
        kept: list[tuple[int, Command]] = []
        with self._lock:
            while self._others:  # the oldest are first
                number, command = self._pop()
                if not isinstance(command, Sending | Read):
                    kept.append((number, command))
                elif command.created <= limit:
                    taken.append(command)
                else:
                    kept.append((number, command))
                    break
            for number, command in reversed(kept):
                self._push(number, command)
        return taken

    def close(self) -> list[Sending | Read]:
        """Accept no more commands; remove and return the messages and reads."""
        with self._lock:
            self._closed = True
        return self.take_older(0)

    def withdraw(self, channel: str, unless: Callable[[str], bool]) -> bool:
        """Remove the Subscribe of a channel; return False if it is not queued.

        It stays if ``unless(channel)`` returns True.
        """
        with self._lock:
            found = channel in self._subscribes and not unless(channel)
            if found:
                del self._subscribes[channel]
            return found

    def _pop(self) -> tuple[int, Command]:
        number, command = self._others.popleft()
        if isinstance(command, Sending):
            self.bytes -= command.size
        return number, command

    def _push(self, number: int, command: Command) -> None:
        self._others.appendleft((number, command))
        if isinstance(command, Sending):
            self.bytes += command.size
