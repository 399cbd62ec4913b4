"""Accepting connections, also when descriptors run out.

Tornado's own handler goes on asking a listening socket that it cannot serve: at EMFILE the loop
spins and serves no client. This one refuses the newest clients, pauses, and says so once a second.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from tornado.ioloop import IOLoop

from .safelogger import get_logger

logger = get_logger("c10kws_tornado")

#: How long a listening socket rests when there is no descriptor for another connection.
PAUSE = 0.1
#: Connections taken in one turn of the loop: the others get their turn too.
BATCH = 64
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Accepts on one listening socket and hands connections to ``take``."""

    def __init__(
        self,
        sock: socket.socket,
        take: Callable[[socket.socket, Any], None],
        reserved: int,
        log_later: Callable[[Callable[[], None]], None],
    ) -> None:
        self._log_later = log_later
        self._socket = sock
        self._take = take
        self._reserved = reserved
        self._reserve = _open_reserve()
        self._loop = IOLoop.current()
        self._listening = False
        self._resuming: asyncio.TimerHandle | None = None
        self._said = float("-inf")
        self.shed = 0

    def start(self) -> None:
        """Begin to accept."""
        if not self._listening:
            self._listening = True
            self._loop.add_handler(self._socket.fileno(), self._accept, IOLoop.READ)

    def stop(self) -> None:
        """Accept no more, and close the socket."""
        self._pause()
        if self._resuming is not None:
            self._resuming.cancel()
        self._socket.close()
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _pause(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_handler(self._socket.fileno())

    def _accept(self, fd: Any, events: int) -> None:
        for _ in range(BATCH):
            try:
                connection, address = self._socket.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    self._say("a connection could not be accepted: %s", error)
                else:
                    self._shed_one()
                self._rest()
                return
            if self._is_scarce(connection.fileno()):
                connection.close()
                self._count()
                self._rest()
                return
            self._take(connection, address)

    def _is_scarce(self, fd: int) -> bool:
        """Descriptors are numbered from the lowest free one: a high number means few are left."""
        limit = descriptor_limit()
        return fd >= limit - min(self._reserved, limit // 4)

    def _shed_one(self) -> None:
        """Refuse a client on the descriptor kept for this, so that it does not wait in vain."""
        if self._reserve is None:  # somebody else was quicker the last time
            self._reserve = _open_reserve()
            return
        os.close(self._reserve)
        self._reserve = None
        try:
            connection, _ = self._socket.accept()
            connection.close()
            self._count()
        except OSError:
            pass
        finally:
            self._reserve = _open_reserve()

    def _count(self) -> None:
        self.shed += 1
        self._say(
            "out of file descriptors: %d connections refused so far; raise the limit (ulimit -n)",
            self.shed,
        )

    def _say(self, text: str, *arguments: object) -> None:
        """Log once a second, and not on the loop's thread."""
        if time.monotonic() - self._said >= 1.0:
            self._said = time.monotonic()
            self._log_later(partial(logger.error, text, *arguments))

    def _rest(self) -> None:
        self._pause()
        self._resuming = asyncio.get_running_loop().call_later(PAUSE, self.start)


def descriptor_limit() -> int:
    """Return how many descriptors this process may have open."""
    try:
        import resource  # not on Windows, which has no such limit
    except ImportError:
        return 2**31
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return soft if soft != resource.RLIM_INFINITY else 2**31


def _open_reserve() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
