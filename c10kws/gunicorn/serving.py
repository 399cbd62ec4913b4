"""The server of gunicorn's worker: its options, its lifecycle and the end of its process."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured
from gunicorn.errors import AppImportError
from gunicorn.sock import ssl_context

from c10kws_tornado import Limits, Server
from c10kws_tornado.process.exitdeadline import EXIT_TIMEOUT, exit_within
from c10kws_tornado.process.lifecycle import Lifecycle
from c10kws_tornado.run import freeze_loaded_objects, uvloop_factory
from c10kws_tornado.workerslot import WorkerSlot

from .. import conf
from ..checks.settings import check_settings
from ..checks.tornado import check_tornado
from ..management.server_options import server_options
from ..management.serving import finish, prepare
from . import logs
from .configuration import changed

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

#: Seconds before the end of gunicorn's ``graceful_timeout`` at which requests and handlers are
#: aborted, so that they have ended when gunicorn kills the worker; at most half of it.
RESERVE = 4.0
#: The part of these seconds after which the process ends in any case.
GRACE = 0.75
#: ``drain_timeout`` must be above 0.
SHORTEST = 0.01


class Serving:
    """The server of one worker, created before its event loop.

    Raises AppImportError, which ends gunicorn with its message, if a system check of c10kws finds
    an error. Without a ``project``, ``application`` shows why it cannot be imported.
    """

    def __init__(
        self,
        cfg: Any,
        log: Any,
        sockets: Sequence[socket.socket],
        application: WSGIApplication,
        *,
        project: bool,
        slot: WorkerSlot | None,
    ) -> None:
        logs.connect(cfg, log)
        options: dict[str, Any] = {}
        if project:
            check_project(log)
            options = server_options()
            application = prepare_worker(application, several=cfg.workers > 1)
        self._loop_factory = uvloop_factory() if project and conf.current().uvloop else None
        options |= options_of_gunicorn(cfg, options)
        self.server = Server(application, worker=slot, **options)
        grace = reserve_of(cfg) * GRACE
        self.lifecycle = Lifecycle(self.server, sockets, own_signals=False, grace=grace)

    def run(self, on_ready: Callable[[], object]) -> None:
        """Serve until :attr:`lifecycle` is stopped; ``on_ready`` is called on the event loop."""
        freeze_loaded_objects()
        self.lifecycle.run(on_ready, self._loop_factory)
        finish()
        exit_within(EXIT_TIMEOUT)


def prepare_worker(application: WSGIApplication, *, several: bool) -> WSGIApplication:
    """Call ``prepare``. Raises AppImportError if the brokers do not connect the workers."""
    try:
        return prepare(application, several=several)
    except ImproperlyConfigured as error:
        raise AppImportError(str(error)) from error


def options_of_gunicorn(cfg: Any, options: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``Server`` for which gunicorn's settings override the project's."""
    limits = options.get("limits", Limits())
    return {
        "limits": replace(limits, idle_timeout=changed(cfg, "keepalive") or limits.idle_timeout),
        "threads": changed(cfg, "threads") or options.get("threads", 1),
        "drain_timeout": max(cfg.graceful_timeout - reserve_of(cfg), SHORTEST),
        "upload_dir": cfg.tmp_upload_dir or options.get("upload_dir"),
        "ssl_context": make_ssl_context(cfg),
        "multiprocess": cfg.workers > 1,
    }


def reserve_of(cfg: Any) -> float:
    """Return the seconds between the deadline of this server and that of gunicorn."""
    reserve: float = min(RESERVE, cfg.graceful_timeout / 2)
    return reserve


def make_ssl_context(cfg: Any) -> ssl.SSLContext | None:
    """Return gunicorn's context, or that of its hook; None without a certificate."""
    if not cfg.is_ssl:
        return None
    try:
        context: ssl.SSLContext = ssl_context(cfg)
    except ssl.SSLError as error:
        raise AppImportError(f"certfile or keyfile cannot be used: {error}") from error
    context.set_alpn_protocols(["http/1.1"])  # not h2, even if gunicorn's other workers have it
    return context


def check_project(log: Any) -> None:
    """Run the system checks of the settings of c10kws, and log their warnings.

    Raises AppImportError for errors. runtornado runs all system checks, as any command does.
    """
    messages: list[CheckMessage] = [
        message
        for check in (check_settings, check_tornado)
        for message in check(None)
        if not message.is_silenced()
    ]
    errors = [message for message in messages if isinstance(message, Error)]
    if errors:
        raise AppImportError("\n".join(map(str, errors)))
    for message in messages:
        log.warning("%s", message)
