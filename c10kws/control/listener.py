"""``Listener``: answers the requests of processes of this machine, in a thread of its own.

The thread answers also while the event loop is blocked.
"""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from ..handlers.server_state import ServerState
from ..runtime_directory import UnsafeDirectory, make_directory
from .links import MAX_REQUEST, available, name_of_socket, receive, send
from .process import this_process
from .replies import error_reply, reply_to

logger = logging.getLogger("c10kws")

#: Seconds that a process may take to send its request, or to read its answer.
TIMEOUT = 3.0


class Listener:
    """Listens while a server runs in this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._states: set[ServerState] = set()
        self._socket: socket.socket | None = None
        self._path: Path | None = None

    def started(self, state: ServerState) -> None:
        """Begin to listen with the first server."""
        with self._lock:
            self._states.add(state)
            if self._socket is None and available():
                self._listen()

    def stopped(self, state: ServerState) -> None:
        """Stop with the last server."""
        with self._lock:
            self._states.discard(state)
            if not self._states:
                self._close()

    def _listen(self) -> None:
        try:
            try:
                listening = self._bind()
            except FileNotFoundError:  # another process has just removed the empty directory
                listening = self._bind()
        except (OSError, UnsafeDirectory, ImproperlyConfigured) as error:  # no SECRET_KEY
            logger.warning("manage.py ws and the admin cannot see this process: %s", error)
            return
        self._socket = listening
        threading.Thread(
            target=self._run, args=(listening,), name="c10kws-control", daemon=True
        ).start()

    def _bind(self) -> socket.socket:
        self._path = make_directory() / name_of_socket(this_process())
        listening = socket.socket(socket.AF_UNIX)
        try:
            listening.bind(str(self._path))
            listening.listen()
        except OSError:
            listening.close()
            raise
        return listening

    def _close(self) -> None:
        if self._socket is None or self._path is None:
            return
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # wakes the thread up
        self._socket.close()
        self._socket = None
        self._path.unlink(missing_ok=True)
        with suppress(OSError):  # other processes have sockets in it
            self._path.parent.rmdir()

    def _run(self, listening: socket.socket) -> None:
        while True:
            try:
                link, _ = listening.accept()
            except OSError:  # closed
                return
            with link:
                try:
                    self._reply(link)
                except Exception:  # the next request must be answered
                    logger.exception("A request to this process failed.")

    def _reply(self, link: socket.socket) -> None:
        link.settimeout(TIMEOUT)
        try:
            reply = reply_to(receive(link, MAX_REQUEST))
        except OSError:  # it is too slow, or has ended
            return
        except ValueError as error:
            reply = error_reply(str(error))
        with suppress(OSError):  # it does not wait any more
            send(link, reply)
