"""``HubStarter``: finds the hub of this site, or starts it.

Only processes that serve start a hub. The process that gets the lock creates the listening socket
and passes both to the hub. So peers can connect immediately, and there is never a second hub.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from ....handlers.servers import servers
from ....runtime_directory import UnsafeDirectory, check_directory, make_directory
from ..link.connection import ConnectionLost
from .lock import acquire, no_forks
from .path import name_of, path_of

#: Seconds between attempts to connect while another process starts the hub, or while it ends.
POLL_INTERVAL = 0.01
#: Connections that wait while the hub starts.
BACKLOG = 512
#: The folder of the package c10kws. The hub needs no other folder.
ROOT = Path(__file__).parents[4]
MODULE = "c10kws.events.brokers.hub"


class HubStarter:
    """Finds or starts the hub of an alias, which ends ``idle_timeout`` seconds after its peers."""

    def __init__(self, alias: str, idle_timeout: float) -> None:
        self._alias = alias
        self._idle_timeout = idle_timeout
        self._started: int | None = None  # the process that this one has started

    async def connect(self) -> socket.socket:
        """Return a connection to the hub. Raises :exc:`~..connection.ConnectionLost`."""
        self._reap()
        while True:
            try:
                found = self._find()
            except (OSError, UnsafeDirectory, ImproperlyConfigured) as error:  # no SECRET_KEY
                raise ConnectionLost(f"the hub cannot be reached: {error}") from error
            if found is not None:
                return found
            await asyncio.sleep(POLL_INTERVAL)

    def _find(self) -> socket.socket | None:
        """Return a connection; None while another process starts the hub."""
        if not servers.serving:
            return self._find_running()
        path = make_directory() / name_of(self._alias)
        found = connect(path)
        if found is None:
            self._start(path)
        return found or connect(path)

    def _find_running(self) -> socket.socket:
        path = path_of(self._alias)
        with suppress(FileNotFoundError):
            check_directory(path.parent)
            found = connect(path)
            if found is not None:
                return found
        raise ConnectionLost("no process of this site serves on this machine")

    def _start(self, path: Path) -> None:
        """Start a hub, unless another process has the lock."""
        with no_forks:
            lock = None
            with suppress(FileNotFoundError):  # the last hub has removed the directory
                lock = acquire(path.with_name(f"{path.name}.lock"))
            if lock is None:
                return
            try:
                with _listen(path) as listening:
                    self._started = self._launch(path, listening.fileno(), lock)
            finally:
                os.close(lock)  # the hub has a copy, and so the lock

    def _launch(self, path: Path, listening: int, lock: int) -> int:
        """Start a process in a session of its own, so that it gets no signals of a terminal."""
        arguments = [str(listening), str(lock), str(self._idle_timeout), str(path)]
        process = subprocess.Popen(
            [sys.executable, "-S", "-P", "-m", MODULE, *arguments],
            cwd="/",
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=(listening, lock),
            start_new_session=True,
        )
        process.returncode = 0  # prevents a warning: the hub may run longer than this process
        return process.pid

    def _reap(self) -> None:
        """Remove the hub from the system's table of processes, if it has ended."""
        if self._started is not None:
            with suppress(ChildProcessError):
                if os.waitpid(self._started, os.WNOHANG)[0]:
                    self._started = None


def _environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def _listen(path: Path) -> socket.socket:
    """Listen on a path. We hold its lock, so an existing socket belongs to a hub that has died."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(str(path))
        listening.listen(BACKLOG)
    except OSError:
        listening.close()
        raise
    return listening


def connect(path: Path) -> socket.socket | None:
    """Return a connection to a hub, or None if none listens."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        connection.connect(str(path))
    except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):  # or many others wait
        connection.close()
        return None
    except OSError:
        connection.close()
        raise
    return connection
