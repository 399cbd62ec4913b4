"""The minimum rate at which a client must read its response."""

from __future__ import annotations

import socket
import sys
import time

from ..limits import Limits

if sys.platform != "win32":
    from fcntl import ioctl
    from termios import TIOCOUTQ


class SlowClient(Exception):
    """Raised for a client that reads more slowly than ``min_send_rate``."""


class SendRate:
    """Checks in windows of ``send_timeout`` seconds; in each the client must read a minimum.

    ``taken`` is the number of bytes that the client's machine has acknowledged since the
    connection began.
    """

    __slots__ = ("_before", "_began", "_earlier", "_minimum", "_seconds", "_since")

    def __init__(self, limits: Limits, taken: int) -> None:
        self._seconds = limits.send_timeout
        self._minimum = max(1.0, limits.min_send_rate * limits.send_timeout)
        self._before = self._earlier = taken
        self._began = self._since = time.monotonic()  # of this window, and of the one before

    @property
    def left(self) -> float:
        """Seconds until this window ends; below 0 when it has ended."""
        return self._began + self._seconds - time.monotonic()

    def time_for(self, size: int, taken: int, head_start: int) -> float:
        """Return the seconds that ``size`` bytes take at the rate of this window and the last.

        ``head_start`` is added to the bytes read, so that a new client does not count as slow.
        """
        age = time.monotonic() - self._since
        return size * age / (taken - self._earlier + head_start)

    def check(self, taken: int) -> None:
        """Begin another window. Raises :exc:`SlowClient` if too little was read in this one."""
        progress = taken - self._before
        if progress < self._minimum:
            raise SlowClient(f"it read {progress} bytes in {self._seconds:g} s")
        self._earlier, self._since = self._before, self._began
        self._before, self._began = taken, time.monotonic()


def unsent_bytes(sock: socket.socket | None) -> int:
    """Return the bytes that the peer has not acknowledged; 0 where the kernel does not tell."""
    if sock is None or sys.platform == "win32":
        return 0
    try:
        return int.from_bytes(ioctl(sock, TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0
