"""The server: it listens, takes connections, and shuts down gracefully."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from tornado.web import Application

from . import atfork
from .accept import Acceptor
from .accesslog import reopen_files
from .descriptors import count_needed
from .heartbeat import Heartbeat
from .http.connections import Connections
from .http.environ import server_keys
from .http.filewrapper import FileWrapper
from .http.host import HTTPHost
from .http.peer import Peers
from .http.protocol import HTTPProtocol
from .http.proxies import TrustedProxies
from .http.resources import Resources
from .limits import Limits, check_positive
from .measurements import Measurements, measure_pools
from .pool import Pool
from .raw.transports import Connector
from .shutdown import Shutdown, StopCallback
from .stallmonitor import StallMonitor
from .stop import GOING_AWAY, Stop
from .tornado_app import TornadoApp
from .workerslot import WorkerSlot

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication


class Server:
    """Serve a WSGI application (PEP 3333) over HTTP/1.1 on Tornado's event loop.

    At most ``threads`` requests run at the same time, and ``queue_size`` more are queued; further
    ones get 503. ``trusted_proxies`` are the addresses and networks whose forwarded headers reach
    the application; peers on unix sockets are trusted too. With an ``ssl_context`` it serves TLS.
    ``url_scheme`` is the ``wsgi.url_scheme`` for a server behind a proxy that terminates TLS.
    ``drain_timeout`` is the time in seconds that :meth:`stop` may take, and ``drain_rate`` the
    number of WebSockets that it closes per second. ``multiprocess`` is the environ's
    ``wsgi.multiprocess``. Requests that match a rule of ``tornado_app`` go to that
    application. ``log_query_strings`` affects access lines of WebSockets and event streams. Bodies
    over ``spool_size`` are stored in ``upload_dir``, by default the system's folder for temporary
    files. A warning is logged when all threads have been busy for ``busy_threads_warning`` seconds
    or the loop has been blocked for ``blocked_loop_warning``; None disables it. Requests to
    ``reserved_paths`` run in threads of their own, so that health checks are answered while all
    other threads are busy. ``expected_connections`` is the largest number of connections that the
    application takes over, if it has a limit. ``worker`` is the slot of this process if others
    accept on the same sockets.
    """

    def __init__(
        self,
        application: WSGIApplication,
        *,
        limits: Limits | None = None,
        threads: int = 16,
        queue_size: int = 1024,
        trusted_proxies: Iterable[str] = ("127.0.0.1", "::1"),
        ssl_context: ssl.SSLContext | None = None,
        url_scheme: str | None = None,
        drain_timeout: float = 30.0,
        drain_rate: float = 200.0,
        multiprocess: bool = False,
        tornado_app: Application | None = None,
        log_query_strings: bool = False,
        busy_threads_warning: float | None = 5.0,
        blocked_loop_warning: float | None = 2.0,
        upload_dir: str | os.PathLike[str] | None = None,
        reserved_paths: Iterable[str] = (),
        expected_connections: int | None = None,
        worker: WorkerSlot | None = None,
    ) -> None:
        check_positive("threads", threads, whole=True)
        check_positive("queue_size", queue_size, whole=True)
        check_positive("drain_timeout", drain_timeout, whole=False)
        check_positive("drain_rate", drain_rate, whole=False)
        self.limits = limits or Limits()
        self.pool = Pool(threads, queue_size=queue_size)
        #: The number of file descriptors that these arguments may require.
        self.needed_descriptors = count_needed(
            expected_connections or 0, threads, queue_size, self.limits.reserved_descriptors
        )
        self.drain_timeout = drain_timeout
        self._drain_rate = drain_rate
        self._stall_monitor = StallMonitor(
            self.pool, busy_after=busy_threads_warning, blocked_after=blocked_loop_warning
        )
        self._application = application
        self._upload_dir = upload_dir
        self._reserved_paths = tuple(reserved_paths)
        self._tornado_application = tornado_app
        self._tornado_app: TornadoApp | None = None
        self._ssl_context = ssl_context
        self._worker = worker
        self._heartbeat = Heartbeat(worker, self._recount_connections) if worker else None
        keys = server_keys(
            scheme=url_scheme or ("https" if ssl_context else "http"),
            multithread=threads > 1,
            multiprocess=multiprocess,
            file_wrapper=FileWrapper,
        )
        self._peers = Peers(
            TrustedProxies(trusted_proxies),
            keys | self._contract_keys(),
            log_query_strings=log_query_strings,
        )
        self._sockets: list[socket.socket] = []
        self._acceptors: list[Acceptor] = []
        self._callbacks: list[StopCallback] = []
        self._started = False
        self._connections = Connections()
        self._stopped: asyncio.Task[None] | None = None

    def _contract_keys(self) -> dict[str, object]:
        """Return the keys of ``environ`` that are the same for all requests."""
        keys: dict[str, object] = {"c10kws.measure": self.measure}
        return keys if self._worker is None else keys | {"c10kws.workers": self._worker}

    @property
    def connections(self) -> int:
        """The number of open HTTP connections, without streams that were taken over."""
        return len(self._connections)

    @property
    def requests(self) -> int:
        """The number of requests in progress, from their head to the end of their response."""
        return self._connections.requests

    @property
    def slow_clients(self) -> int:
        """The number of clients that were disconnected because they read a response too slowly."""
        return self._resources.slow_clients if self._started else 0

    def add_sockets(self, sockets: Iterable[socket.socket]) -> None:
        """Listen on bound sockets (see :func:`bind`); call it before :meth:`start`."""
        self._sockets.extend(sockets)

    def start(self) -> None:
        """Begin to accept connections, on the running event loop."""
        self._started = True
        atfork.register(self._close_sockets)
        self._resources = Resources(
            self._application,
            self.pool,
            self.limits,
            self._connections,
            self._upload_dir,
            self.on_stop,
            problems=self.problems,
            reserved_paths=self._reserved_paths,
        )
        if self._tornado_application is not None:
            self._tornado_app = TornadoApp(
                self._tornado_application, self._connections, self._resources.log, self.limits
            )
            self.on_stop(self._tornado_app.stop)
        find = None if self._tornado_app is None else self._tornado_app.find
        self._host = HTTPHost(self._resources, self._peers, find)
        self._connector = Connector(self._resources.loop, self._ssl_context)
        self._connections.close_idle(self.limits.idle_timeout)
        self._stall_monitor.start()
        for sock in self._sockets:
            self._listen(sock)
        if self._heartbeat is not None:
            self._heartbeat.start()

    def _recount_connections(self) -> int:
        self._resources.raw_streams.sweep()
        return self._count_connections()

    def _count_connections(self) -> int:
        """Return the number of connections, and of streams that may have ended recently."""
        return len(self._connections) + len(self._resources.raw_streams)

    def _is_ahead(self) -> bool:
        """Return True if another worker should accept the next connection."""
        return self._worker is not None and self._worker.is_ahead(self._count_connections())

    def _listen(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        reserved = self.limits.reserved_descriptors
        is_ahead = self._is_ahead if self._worker is not None and self._worker.has_peers else None
        acceptor = Acceptor(sock, self._take, reserved, self._resources.log.later, is_ahead)
        self._acceptors.append(acceptor)
        acceptor.start()

    def _take(self, connection: socket.socket, address: Any) -> None:
        connection.setblocking(False)
        if connection.family != getattr(socket, "AF_UNIX", None):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._connector.connect(connection, HTTPProtocol(self._host, address))

    def on_stop(self, callback: StopCallback) -> None:
        """Register ``callback(stop)``; may be called from any thread.

        It is called once, when the server stops, with a :class:`~c10kws_tornado.stop.Stop`. If the
        callback returns an awaitable, it is awaited until the deadline.
        """
        self._callbacks.append(callback)

    def problems(self) -> dict[str, str]:
        """Return the problems that affect all clients now, by name; empty if there are none.

        The names are ``draining`` (the server is stopping), ``threads`` (all threads have been busy
        for ``busy_threads_warning`` seconds, or a queue is full) and ``loop`` (the event loop
        responds later than ``blocked_loop_warning``). May be called from any thread.
        """
        draining = {"draining": "The server is shutting down."} if self._stopped else {}
        return draining | self._stall_monitor.problems()

    def measure(self) -> Measurements:
        """Return the current numbers of the server; may be called from any thread."""
        return Measurements(
            self.connections,
            self.requests,
            self.slow_clients,
            self._stall_monitor.loop_lag,
            measure_pools(self.pool),
        )

    def reopen_logs(self) -> None:
        """Reopen the files of log handlers after another program moved them; on the loop."""
        self._resources.log.later(reopen_files)

    async def stop(
        self,
        code: int = GOING_AWAY,
        timeout: float | None = None,
        *,
        successor_waits: bool = False,
    ) -> None:
        """Stop accepting, finish requests, call the ``on_stop`` callbacks, abort the rest.

        This takes at most ``timeout`` seconds, by default ``drain_timeout``, and a few more to
        abort what is left. WebSockets are closed with ``code``, in random order and at the pace of
        ``drain_rate``. With ``successor_waits`` they are closed at once, because no other process
        can serve until this one has stopped. A second call waits for the first.
        """
        if self._stopped is None:
            seconds = self.drain_timeout if timeout is None else timeout
            deadline = asyncio.get_running_loop().time() + seconds
            stop = Stop(code, deadline, self._drain_rate, successor_waits)
            self._stopped = asyncio.ensure_future(self._stop(stop))
        await asyncio.shield(self._stopped)

    async def _stop(self, stop: Stop) -> None:
        if self._started:
            for acceptor in self._acceptors:
                acceptor.stop()
            if self._heartbeat is not None:
                self._heartbeat.drain()
            shutdown = Shutdown(self._resources, self._tornado_app, self._callbacks)
            await shutdown.run(stop)
            self._connector.close()
            self._stall_monitor.stop()
            if self._heartbeat is not None:
                self._heartbeat.stop()
        atfork.unregister(self._close_sockets)
        self._close_sockets()
        self.pool.shutdown(cancel_futures=True)

    def _close_sockets(self) -> None:
        for sock in self._sockets:
            sock.close()
