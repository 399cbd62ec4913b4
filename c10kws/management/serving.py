"""Where the two halves meet: a server for the project, with the project's settings.

This is the composition root, together with the commands: only they import both ``c10kws`` and
``c10kws_tornado``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings

from c10kws_tornado import Limits

from .. import conf
from . import native

if TYPE_CHECKING:
    from logging import LogRecord

#: The loggers of the access lines: the server's for requests, the library's for WebSockets.
ACCESS_LOGGERS = ("c10kws_tornado.access", "c10kws.access")
#: Limits of the server that are settings.
LIMITS = (
    "idle_timeout",
    "max_body_size",
    "max_head_size",
    "max_total_send_bytes",
    "read_timeout",
    "send_timeout",
)


def server_options() -> dict[str, Any]:
    """Return the arguments of ``c10kws_tornado.Server`` that ``C10KWS`` and ``TORNADO`` set."""
    settings = conf.current()
    return {
        "limits": Limits(
            min_read_rate=settings.min_read_rate or 0,
            min_send_rate=settings.min_send_rate or 0,
            **{name: getattr(settings, name) for name in LIMITS},
        ),
        "threads": settings.threads,
        "queue_size": settings.queue_size,
        "trusted_proxies": tuple(settings.trusted_proxies),
        "drain_timeout": settings.drain_timeout,
        "busy_threads_warning": settings.busy_threads_warning,
        "blocked_loop_warning": settings.blocked_loop_warning,
        "log_query_strings": settings.log_query_strings,
        "upload_dir": settings.upload_dir or django_settings.FILE_UPLOAD_TEMP_DIR,
        "native": native.application(),
    }


def log_to_stderr() -> None:
    """Show the lines of both halves on stderr, unless LOGGING has a handler for them.

    Django's default configuration shows no access lines, and warnings without a time.
    """
    enable_loggers()
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("[%(asctime)s] %(message)s"))
    for name in ACCESS_LOGGERS:
        access = logging.getLogger(name)
        if access.hasHandlers():
            continue
        half = logging.getLogger(name.partition(".")[0])
        half.addHandler(handler)
        if access.level == half.level == logging.NOTSET:
            access.setLevel(logging.INFO)


def enable_loggers() -> None:
    """Enable the loggers of both halves again.

    A project's ``wsgi.py`` calls ``django.setup()`` a second time. If LOGGING does not set
    ``disable_existing_loggers`` to False, that disables all loggers made since the first time.
    """
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] in ("c10kws", "c10kws_tornado"):
            logging.getLogger(name).disabled = False


class DjangoServerHandler(logging.Handler):
    """Hand access lines to the logger ``django.server``, which a stock project shows."""

    def emit(self, record: LogRecord) -> None:
        """Pass the record to ``django.server``, with its own level, filters and handlers."""
        target = logging.getLogger("django.server")
        if target.isEnabledFor(record.levelno):
            target.handle(record)


def log_to_django_server() -> None:
    """Send the access lines where those of Django's own runserver go."""
    enable_loggers()
    for name in ACCESS_LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(handler, DjangoServerHandler) for handler in logger.handlers):
            logger.addHandler(DjangoServerHandler())
        logger.setLevel(logging.INFO)
        logger.propagate = False
