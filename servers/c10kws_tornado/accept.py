"""Accepting connections, also when file descriptors run out.

Tornado's own handler retries at once: at EMFILE the loop spins and serves no client. This one
refuses the newest clients, pauses, and logs it once a second.
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

from .descriptors import descriptor_limit
from .safelogger import get_logger

logger = get_logger("c10kws_tornado")

#: Seconds to pause accepting when there is no descriptor for another connection.
PAUSE = 0.1
#: Seconds for which a worker leaves a client to the other workers.
YIELD = 0.002
#: Connections accepted in one turn of the loop, so that clients are served meanwhile.
BATCH = 64
_EXHAUSTED = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Acceptor:
    """Accepts connections on one listening socket and passes them to ``take``.

    If other processes accept on the same socket, ``is_ahead`` returns True while this one has more
    connections than others. It then accepts one connection at a time, and waits before each.
    """

    def __init__(
        self,
        sock: socket.socket,
        take: Callable[[socket.socket, Any], None],
        reserved: int,
        log_later: Callable[[Callable[[], None]], None],
        is_ahead: Callable[[], bool] | None = None,
    ) -> None:
        self._is_ahead = is_ahead
        self._log_later = log_later
        self._socket = sock
        self._take = take
        self._reserved = reserved
        self._reserve = _open_reserve()
        self._loop = IOLoop.current()
        self._listening = False
        self._resuming: asyncio.TimerHandle | None = None
        self._logged = float("-inf")
        self.refused = 0

    def start(self) -> None:
        """Begin to accept."""
        if not self._listening:
            self._listening = True
            accept = self._accept if self._is_ahead is None else self._accept_in_turn
            self._loop.add_handler(self._socket.fileno(), accept, IOLoop.READ)

    def stop(self) -> None:
        """Stop accepting, and close the socket."""
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

    def _accept_in_turn(self, fd: Any, events: int) -> None:
        assert self._is_ahead is not None
        if self._is_ahead():
            self._pause()
            self._resuming = asyncio.get_running_loop().call_later(YIELD, self._accept_after_yield)
        else:
            self._accept(fd, events, 1)

    def _accept_after_yield(self) -> None:
        """Accept a client that no other process has accepted meanwhile: they may be blocked."""
        self.start()
        self._accept(None, 0, 1)

    def _accept(self, fd: Any, events: int, batch: int = BATCH) -> None:
        if self._reserve is None:  # before a client gets the last descriptor, and none is refused
            self._reserve = _open_reserve()
        for _ in range(batch):
            try:
                connection, address = self._socket.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:
                continue
            except OSError as error:
                if error.errno not in _EXHAUSTED:
                    self._log("A connection could not be accepted: %s", error)
                else:
                    self._refuse_one()
                self._pause_for_a_while()
                return
            if self._is_scarce(connection.fileno()):
                connection.close()
                self._count()
                self._pause_for_a_while()
                return
            self._take(connection, address)

    def _is_scarce(self, fd: int) -> bool:
        """Return True when few descriptors are left: each new one has the lowest free number."""
        limit = descriptor_limit()
        return fd >= limit - min(self._reserved, limit // 4)

    def _refuse_one(self) -> None:
        """Close the connection of a client on the descriptor reserved for this."""
        if self._reserve is None:  # another thread took the descriptor the last time
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
        self.refused += 1
        self._log(
            "Out of file descriptors; refused %d connections so far. Raise the limit (ulimit -n).",
            self.refused,
        )

    def _log(self, text: str, *arguments: object) -> None:
        """Log at most once a second, on the log's thread."""
        if time.monotonic() - self._logged >= 1.0:
            self._logged = time.monotonic()
            self._log_later(partial(logger.error, text, *arguments))

    def _pause_for_a_while(self) -> None:
        self._pause()
        self._resuming = asyncio.get_running_loop().call_later(PAUSE, self.start)


def _open_reserve() -> int | None:
    try:
        return os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
