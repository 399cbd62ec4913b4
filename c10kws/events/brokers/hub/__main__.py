"""The process of the hub: ``python -m c10kws.events.brokers.hub LISTENING LOCK IDLE PATH``.

:class:`~.starter.HubStarter` starts it, with the descriptors of the listening socket and of the
lock. It ends IDLE seconds after its last peer has disconnected. After a SIGTERM it ends as soon as
its last peer disconnects, so processes that stop at the same time can still send events. A second
SIGTERM ends it immediately.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .hub import Hub
from .peer import Peer

#: Seconds between checks of the socket file. If it was removed, no new peer can connect. Then the
#: hub ends, and its peers start another one.
CHECK_INTERVAL = 1.0
#: Seconds that a new hub waits for its first peer, the process that has started it.
FIRST_TIMEOUT = 10.0


class HubProcess:
    """Runs the hub until it is not needed any more."""

    def __init__(self, path: Path, idle_timeout: float) -> None:
        self._path = path
        self._idle_timeout = idle_timeout
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._inode = path.stat().st_ino
        self._hub = Hub(lambda: self._timer.cancel(), self._end_later)
        self._timer = self._loop.call_later(FIRST_TIMEOUT, self._ended.set)

    async def run(self, listening: socket.socket) -> None:
        """Serve peers until the end."""
        self._loop.set_exception_handler(self._report)
        self._loop.add_signal_handler(signal.SIGTERM, self._terminate)
        server = await self._loop.create_unix_server(lambda: Peer(self._hub), sock=listening)
        checking = asyncio.create_task(self._check())
        await self._ended.wait()
        checking.cancel()
        self._remove()
        server.close()

    def _end_later(self) -> None:
        self._timer = self._loop.call_later(self._idle_timeout, self._ended.set)

    def _terminate(self) -> None:
        if self._hub.has_peers and self._idle_timeout:
            self._idle_timeout = 0.0
        else:
            self._ended.set()

    async def _check(self) -> None:
        while self._is_ours():
            await asyncio.sleep(CHECK_INTERVAL)
        self._ended.set()

    def _is_ours(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except OSError:
            return False

    def _remove(self) -> None:
        """Remove the socket and the lock, then the directory if it is empty."""
        with suppress(OSError):
            if self._is_ours():
                self._path.unlink()
                self._path.with_name(f"{self._path.name}.lock").unlink()
            self._path.parent.rmdir()

    def _report(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self._hub.log(f"{context['message']}: {context.get('exception')!r}")
        self._hub.flush()


async def main(listening: int, idle_timeout: float, path: str) -> None:
    """Run the hub."""
    process = HubProcess(Path(path), idle_timeout)
    # The log of the starter may be a pipe, which the hub must not keep open.
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 2)
    os.close(devnull)
    await process.run(socket.socket(fileno=listening))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[3]), sys.argv[4]))
