"""The server of ``runserver``: the interface of Django's ``server_cls`` on c10kws_tornado."""

from __future__ import annotations

import asyncio
import atexit
import os
import socketserver
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from c10kws_tornado import Server, bind
from c10kws_tornado.process.addresses import parse_address
from c10kws_tornado.process.exitdeadline import exit_now
from c10kws_tornado.process.runner import run

from ..control.listening import listen
from ..handlers.tracing import tracing
from ..protocol.closing import CloseCode
from .frame_trace import FrameTracer, LineTracer
from .log_output import log_to_django_server
from .reloading import MORE_ADDRESSES
from .server_options import server_options

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Seconds that the exit of the process waits for closing handshakes; browsers answer quickly.
EXIT_TIMEOUT = 2.0


class DevelopmentServer:
    """Replacement for ``django.core.servers.basehttp.WSGIServer``.

    Django creates it with an address (OSError if the address is in use), sets the application and
    calls ``serve_forever``, in the main thread or, under the autoreloader, in another one.
    """

    #: Close code at the exit of the process; the autoreloader's exit changes it.
    close_code: int = CloseCode.GOING_AWAY
    #: True prints a line for each frame.
    frames = False

    def __init__(
        self, server_address: tuple[str, int], handler_class: type, *, ipv6: bool = False
    ) -> None:
        address, port = server_address
        self._sockets = bind(address, port, ipv6=ipv6)
        for text in os.environ.get(MORE_ADDRESSES, "").split():
            self._sockets += parse_address(text, "").open().sockets
        self.server_port: int = self._sockets[0].getsockname()[1]
        self._application: WSGIApplication | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._remaining_tasks: set[asyncio.Task[Any]] = set()

    def set_app(self, application: WSGIApplication) -> None:
        """Set the WSGI application to serve."""
        self._application = application

    def serve_forever(self) -> None:
        """Serve until the process ends; KeyboardInterrupt closes the sockets and is re-raised."""
        log_to_django_server()
        listen()
        tracing.tracer = FrameTracer() if self.frames else LineTracer()
        atexit.register(self._close_at_exit)
        self._remaining_tasks = run(self._serve())
        if self._remaining_tasks and threading.current_thread() is threading.main_thread():
            exit_now()  # tasks are left that ignore their cancellation

    async def _serve(self) -> None:
        assert self._application is not None
        options: dict[str, Any] = server_options()
        if not isinstance(self, socketserver.ThreadingMixIn):  # runserver --nothreading
            options["threads"] = 1
        self._loop = asyncio.get_running_loop()
        self._server = Server(self._application, **options)
        self._server.add_sockets(self._sockets)
        self._server.start()
        try:
            await asyncio.Event().wait()
        finally:  # Ctrl-C: asyncio cancels this task
            with suppress(asyncio.CancelledError):
                await self._server.stop(CloseCode.GOING_AWAY, timeout=EXIT_TIMEOUT)

    def _close_at_exit(self) -> None:
        """Close the sockets when the autoreloader, or Ctrl-C under it, ends the process.

        The thread of the loop is a daemon and still runs during ``atexit``.
        """
        loop, server = self._loop, self._server
        if loop is None or server is None or not loop.is_running():
            return
        stopping = asyncio.run_coroutine_threadsafe(
            server.stop(self.close_code, timeout=EXIT_TIMEOUT), loop
        )
        with suppress(Exception):
            stopping.result(EXIT_TIMEOUT + 1)
