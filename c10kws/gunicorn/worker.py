"""gunicorn's side of the worker: its signals, heartbeat, reloader and ``max_requests``.

gunicorn's parent process imports this module, and its workers are forks of it. Therefore this
module does not import Django. It is imported in the worker, so that HUP starts workers with another
release of it. Threads and event loops exist only after the fork.
"""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from gunicorn.workers.base import Worker as BaseWorker

from c10kws_tornado.process.runner import ProcessExit
from c10kws_tornado.stop import GOING_AWAY, SERVICE_RESTART

from . import configuration
from .slots import Slots

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from .serving import Serving

#: The most seconds between two heartbeats.
HEARTBEAT = 1.0
#: Seconds that a quick stop waits for requests and closing handshakes: after INT, QUIT or a change
#: of a file under ``--reload``. gunicorn kills workers 2 seconds after a second signal.
QUICK_STOP = 1.0


class Worker(BaseWorker):  # type: ignore[misc]  # gunicorn has no types
    """A process with one event loop and a pool of threads, managed by gunicorn."""

    _slots = Slots()
    _serving: Serving | None = None
    _begun = False

    def __init__(self, *args: Any) -> None:
        """Create the worker in the parent process, before the fork."""
        super().__init__(*args)
        self._slot = self._slots.assign(self)

    @classmethod
    def check_config(cls, cfg: Any, log: Any) -> None:
        """Check gunicorn's settings, once, in the parent process."""
        configuration.check(cfg, log)

    # Start

    def load_wsgi(self) -> None:
        """Import the project, and create its server."""
        super().load_wsgi()
        # Only now: see the top of this module.
        from .serving import Serving

        self._serving = Serving(
            self.cfg,
            self.log,
            [each.sock for each in self.sockets],
            self._count_requests(self.wsgi),
            # gunicorn has no application if its reloader waits for the end of a SyntaxError.
            project=self.app.callable is not None,
            slot=None if self._slot is None else self._slots.take(self._slot),
        )

    def _count_requests(self, application: WSGIApplication) -> WSGIApplication:
        """Return an application that stops the worker with the last of ``max_requests``."""
        if not self.cfg.max_requests:
            return application
        numbers = itertools.count(1)

        def count(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            self.nr = next(numbers)
            if self.nr == self.max_requests:
                self.log.info("Autorestarting worker after current request.")
                self._stop(SERVICE_RESTART, successor_waits=self.cfg.workers == 1)
            return application(environ, start_response)

        return count

    def run(self) -> None:
        """Serve until a signal, the reloader or ``max_requests`` stops this worker."""
        assert self._serving is not None
        self._serving.run(self._begin)
        if self._slot is not None:
            self._slots.leave(self._slot)

    def _begin(self) -> None:
        """Begin to watch, on the event loop, which runs now."""
        self._begun = True
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self.PIPE[0], self._woken_up)
        self._beat()
        if not self.alive:  # asked to stop before
            self._stop(SERVICE_RESTART)

    def _beat(self) -> None:
        """Notify gunicorn; stop when the parent process has ended."""
        if self.ppid != os.getppid() and self.alive:
            self.log.info("Parent changed, shutting down: %s", self)
            self._stop(GOING_AWAY)
        self.notify()
        pause = min(HEARTBEAT, self.timeout / 2) if self.timeout else HEARTBEAT
        self._loop.call_later(pause, self._beat)

    # Stop

    def _woken_up(self) -> None:
        """Handle the reloader, which sets ``alive`` in its thread; signals write here, too."""
        with suppress(BlockingIOError):
            os.read(self.PIPE[0], 4096)
        if not self.alive:
            self._stop(SERVICE_RESTART, QUICK_STOP, successor_waits=True)

    def _stop(
        self, code: int, timeout: float | None = None, *, successor_waits: bool = False
    ) -> None:
        """Begin to stop, unless it has begun; may be called from any thread and by signals.

        With ``successor_waits`` gunicorn starts no other worker until this one has ended.
        """
        self.alive = False
        if self._begun and self._serving is not None:
            self._serving.lifecycle.stop(code, timeout, successor_waits=successor_waits)

    # Signals; gunicorn calls these methods between two bytecodes of the main thread

    def handle_exit(self, sig: int, frame: object) -> None:
        """Handle TERM: drain. gunicorn starts other workers, unless it ends itself."""
        self._stop(SERVICE_RESTART)

    def handle_quit(self, sig: int, frame: object) -> None:
        """Handle INT and QUIT: stop quickly."""
        again = not self.alive
        self.cfg.worker_int(self)
        if not self._begun:
            raise SystemExit(0)
        self._stop(GOING_AWAY, QUICK_STOP)
        if again and self._serving is not None:
            self._serving.lifecycle.hurry()

    def handle_usr1(self, sig: int, frame: object) -> None:
        """Handle USR1: reopen the log files."""
        if self._begun:
            self._loop.call_soon_threadsafe(self._reopen_logs)
        else:
            super().handle_usr1(sig, frame)

    def _reopen_logs(self) -> None:
        assert self._serving is not None
        self._serving.server.reopen_logs()
        reopen: Callable[[], None] = self.log.reopen_files
        self._loop.run_in_executor(None, reopen)  # it also redirects captured output

    def handle_abort(self, sig: int, frame: object) -> None:
        """Handle ABRT, which gunicorn sends when there was no heartbeat: end the process."""
        self.alive = False
        self.cfg.worker_abort(self)
        raise ProcessExit(1)
